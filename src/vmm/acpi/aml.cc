// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/acpi/aml.h"

#include <algorithm>

namespace cpr::vmm::aml {
namespace {

// Opcodes of ACPI 6.4, 20.3.
constexpr uint8_t kZeroOp = 0x00;
constexpr uint8_t kOneOp = 0x01;
constexpr uint8_t kNameOp = 0x08;
constexpr uint8_t kBytePrefix = 0x0a;
constexpr uint8_t kWordPrefix = 0x0b;
constexpr uint8_t kDwordPrefix = 0x0c;
constexpr uint8_t kStringPrefix = 0x0d;
constexpr uint8_t kQwordPrefix = 0x0e;
constexpr uint8_t kScopeOp = 0x10;
constexpr uint8_t kBufferOp = 0x11;
constexpr uint8_t kPackageOp = 0x12;
constexpr uint8_t kMethodOp = 0x14;
constexpr uint8_t kExtPrefix = 0x5b;
constexpr uint8_t kDeviceOp = 0x82;
constexpr uint8_t kArg0Op = 0x68;
constexpr uint8_t kAndOp = 0x7b;
constexpr uint8_t kOrOp = 0x7d;
constexpr uint8_t kCreateDwordFieldOp = 0x8a;
constexpr uint8_t kReturnOp = 0xa4;

// Resource types of address space descriptors (ACPI 6.4, 6.4.3.5).
constexpr uint8_t kMemoryRange = 0;
constexpr uint8_t kIoRange = 1;
constexpr uint8_t kBusRange = 2;
// Minimum and maximum are fixed.
constexpr uint8_t kFixedRange = 0x0c;

template <typename T>
Bytes little_endian(T value) {
    Bytes bytes;
    for (size_t i = 0; i < sizeof(T); ++i)
        bytes.push_back(static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i)));
    return bytes;
}

// PkgLength counts itself (ACPI 6.4, 20.2.4).
Bytes with_length(const Bytes& content) {
    size_t field = 1;
    if (content.size() + 1 >= 0x40)
        field = content.size() + 2 < 0x1000 ? 2 : content.size() + 3 < 0x100000 ? 3 : 4;
    const size_t total = content.size() + field;
    Bytes bytes;
    if (field == 1) {
        bytes.push_back(static_cast<uint8_t>(total));
    } else {
        bytes.push_back(static_cast<uint8_t>((field - 1) << 6 | (total & 0xf)));
        for (size_t i = 1; i < field; ++i)
            bytes.push_back(static_cast<uint8_t>(total >> (4 + 8 * (i - 1))));
    }
    return join({bytes, content});
}

template <typename T>
Bytes address_space(uint8_t tag, uint8_t type, uint8_t flags, T first, T last) {
    const Bytes body = join({Bytes{type, kFixedRange, flags}, little_endian<T>(0),
                             little_endian<T>(first), little_endian<T>(last), little_endian<T>(0),
                             little_endian<T>(static_cast<T>(last - first + 1))});
    return join({Bytes{tag}, little_endian<uint16_t>(static_cast<uint16_t>(body.size())), body});
}

}  // namespace

Bytes join(std::initializer_list<Bytes> parts) {
    size_t size = 0;
    for (const Bytes& part : parts)
        size += part.size();
    Bytes all(size);
    auto end = all.begin();
    for (const Bytes& part : parts)
        end = std::copy(part.begin(), part.end(), end);
    return all;
}

Bytes name_string(std::string_view name) {
    Bytes bytes;
    if (name.starts_with('\\')) {
        bytes.push_back('\\');
        name.remove_prefix(1);
    }
    for (size_t i = 0; i < 4; ++i)
        bytes.push_back(static_cast<uint8_t>(i < name.size() ? name[i] : '_'));
    return bytes;
}

Bytes integer(uint64_t value) {
    if (value == 0)
        return {kZeroOp};
    if (value == 1)
        return {kOneOp};
    if (value <= 0xff)
        return join({Bytes{kBytePrefix}, little_endian(static_cast<uint8_t>(value))});
    if (value <= 0xffff)
        return join({Bytes{kWordPrefix}, little_endian(static_cast<uint16_t>(value))});
    if (value <= 0xffffffff)
        return join({Bytes{kDwordPrefix}, little_endian(static_cast<uint32_t>(value))});
    return join({Bytes{kQwordPrefix}, little_endian(value)});
}

Bytes string(std::string_view text) {
    Bytes bytes{kStringPrefix};
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.push_back(0);
    return bytes;
}

Bytes buffer(const Bytes& content) {
    return join({Bytes{kBufferOp}, with_length(join({integer(content.size()), content}))});
}

Bytes package(const std::vector<Bytes>& elements) {
    Bytes content{static_cast<uint8_t>(elements.size())};
    for (const Bytes& element : elements)
        content.insert(content.end(), element.begin(), element.end());
    return join({Bytes{kPackageOp}, with_length(content)});
}

Bytes eisa_id(std::string_view id) {
    const auto letter = [&](size_t i) { return static_cast<uint32_t>(id[i] - 0x40) & 0x1f; };
    const auto digit = [&](size_t i) {
        return static_cast<uint32_t>(id[i] <= '9' ? id[i] - '0' : id[i] - 'A' + 10);
    };
    const uint32_t big = letter(0) << 26 | letter(1) << 21 | letter(2) << 16 | digit(3) << 12 |
                         digit(4) << 8 | digit(5) << 4 | digit(6);
    return integer(__builtin_bswap32(big));
}

Bytes name(std::string_view name, const Bytes& value) {
    return join({Bytes{kNameOp}, name_string(name), value});
}

Bytes scope(std::string_view name, const Bytes& content) {
    return join({Bytes{kScopeOp}, with_length(join({name_string(name), content}))});
}

Bytes device(std::string_view name, const Bytes& content) {
    return join({Bytes{kExtPrefix, kDeviceOp}, with_length(join({name_string(name), content}))});
}

Bytes method(std::string_view name, uint8_t arguments, const Bytes& content) {
    return join(
        {Bytes{kMethodOp}, with_length(join({name_string(name), Bytes{arguments}, content}))});
}

Bytes arg(uint8_t index) {
    return {static_cast<uint8_t>(kArg0Op + index)};
}

Bytes create_dword_field(const Bytes& source, uint64_t byte_index, std::string_view name) {
    return join({Bytes{kCreateDwordFieldOp}, source, integer(byte_index), name_string(name)});
}

Bytes and_into(std::string_view target, uint64_t mask) {
    return join({Bytes{kAndOp}, name_string(target), integer(mask), name_string(target)});
}

Bytes or_into(std::string_view target, uint64_t bits) {
    return join({Bytes{kOrOp}, name_string(target), integer(bits), name_string(target)});
}

Bytes return_value(const Bytes& value) {
    return join({Bytes{kReturnOp}, value});
}

Bytes resource_template(std::initializer_list<Bytes> descriptors) {
    // The end tag's checksum 0 means: not used.
    return buffer(join({join(descriptors), Bytes{0x79, 0}}));
}

Bytes io_port(uint16_t base, uint8_t size) {
    return join({Bytes{0x47, 1}, little_endian(base), little_endian(base), Bytes{1, size}});
}

Bytes irq(uint8_t number) {
    return join({Bytes{0x22}, little_endian(static_cast<uint16_t>(1u << number))});
}

Bytes fixed_memory32(uint32_t base, uint32_t size) {
    return join({Bytes{0x86}, little_endian<uint16_t>(9), Bytes{1}, little_endian(base),
                 little_endian(size)});
}

Bytes bus_numbers(uint16_t first, uint16_t last) {
    return address_space<uint16_t>(0x88, kBusRange, 0, first, last);
}

Bytes io_window(uint16_t first, uint16_t last) {
    // Flags 3: the entire range, ISA and non-ISA.
    return address_space<uint16_t>(0x88, kIoRange, 3, first, last);
}

Bytes memory_window32(uint32_t first, uint32_t last) {
    // Flags 1: read and write, not cacheable.
    return address_space<uint32_t>(0x87, kMemoryRange, 1, first, last);
}

Bytes memory_window64(uint64_t first, uint64_t last) {
    return address_space<uint64_t>(0x8a, kMemoryRange, 1, first, last);
}

}  // namespace cpr::vmm::aml

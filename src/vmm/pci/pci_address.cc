// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/pci/pci_address.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.h"

namespace cpr::vmm {
namespace {

std::optional<uint32_t> parse_number(std::string_view text, int base, uint32_t limit) {
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    }
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value >= limit)
        return std::nullopt;
    return value;
}

}  // namespace

PciAddress parse_pci_address(std::string_view text) {
    const size_t dot = text.find('.');
    // QEMU's rule: a bare number is a number, the form with a dot is hexadecimal.
    const int base = dot == std::string_view::npos ? 10 : 16;
    const auto slot = parse_number(text.substr(0, dot), base, 32);
    const auto function = dot == std::string_view::npos
                              ? std::optional<uint32_t>(0)
                              : parse_number(text.substr(dot + 1), base, 8);
    if (!slot || !function)
        throw Error(ErrorCode::kInvalidArgument,
                    "'{}' is no PCI address: expected SLOT or SLOT.FUNCTION, such as 0x1f.0x2",
                    text);
    return {static_cast<uint8_t>(*slot), static_cast<uint8_t>(*function)};
}

std::string to_string(PciAddress address) {
    return fmt::format("{:02x}.{:x}", address.slot, address.function);
}

std::string parse_host_pci_address(std::string_view text) {
    uint32_t domain = 0;
    std::string_view rest = text;
    const auto bad = [&] {
        return Error(ErrorCode::kInvalidArgument,
                     "'{}' is no PCI address of the host: expected DDDD:BB:SS.F", text);
    };
    const size_t first = rest.find(':');
    if (first == std::string_view::npos)
        throw bad();
    if (rest.find(':', first + 1) != std::string_view::npos) {
        const auto value = parse_number(rest.substr(0, first), 16, 0x10000);
        if (!value)
            throw bad();
        domain = *value;
        rest.remove_prefix(first + 1);
    }
    const size_t colon = rest.find(':');
    const size_t dot = rest.find('.');
    if (colon == std::string_view::npos || dot == std::string_view::npos || dot < colon)
        throw bad();
    const auto bus = parse_number(rest.substr(0, colon), 16, 256);
    const auto slot = parse_number(rest.substr(colon + 1, dot - colon - 1), 16, 32);
    const auto function = parse_number(rest.substr(dot + 1), 16, 8);
    if (!bus || !slot || !function)
        throw bad();
    return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", domain, *bus, *slot, *function);
}

}  // namespace cpr::vmm

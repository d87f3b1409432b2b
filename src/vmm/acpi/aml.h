// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_ACPI_AML_H
#define CPR_VMM_ACPI_AML_H

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

// Writes ACPI Machine Language: each function returns the bytes of one term (ACPI 6.4, chapter 20),
// and terms are put into each other. Names are single segments of up to four characters, or a root
// path.
namespace cpr::vmm::aml {

using Bytes = std::vector<uint8_t>;

Bytes join(std::initializer_list<Bytes> parts);

Bytes name_string(std::string_view name);
Bytes integer(uint64_t value);
Bytes string(std::string_view text);
Bytes buffer(const Bytes& content);
Bytes package(const std::vector<Bytes>& elements);
// A compressed EISA id such as "PNP0A08".
Bytes eisa_id(std::string_view id);

Bytes name(std::string_view name, const Bytes& value);
Bytes scope(std::string_view name, const Bytes& content);
Bytes device(std::string_view name, const Bytes& content);
Bytes method(std::string_view name, uint8_t arguments, const Bytes& content);

// Statements and expressions of methods.
Bytes arg(uint8_t index);
Bytes create_dword_field(const Bytes& buffer, uint64_t byte_index, std::string_view name);
Bytes and_into(std::string_view target, uint64_t mask);
Bytes or_into(std::string_view target, uint64_t bits);
Bytes return_value(const Bytes& value);

// Resource descriptors (ACPI 6.4, 6.4) and the template that holds them.
Bytes resource_template(std::initializer_list<Bytes> descriptors);
Bytes io_port(uint16_t base, uint8_t size);
Bytes irq(uint8_t number);
Bytes fixed_memory32(uint32_t base, uint32_t size);
Bytes bus_numbers(uint16_t first, uint16_t last);
Bytes io_window(uint16_t first, uint16_t last);
Bytes memory_window32(uint32_t first, uint32_t last);
Bytes memory_window64(uint64_t first, uint64_t last);

}  // namespace cpr::vmm::aml

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_PREPARATION_H
#define CPR_CLIENT_PREPARATION_H

#include <string>

namespace cpr::client {

// What a domain's XML needs for updates in place. What it had before is remembered in the XML
// itself, in its metadata, so that it goes wherever the XML goes and can be had back exactly.
struct Preparation {
    // Absolute path of the emulator program.
    std::string emulator;
    // Memory that another process can map as well: memory files, shared. cpr-vmm takes it from the
    // XML; with stock QEMU the emulator program sees to it.
    bool shared_memory = false;
};

// The XML with the preparation; as it is if it has it. One that was made before is replaced. Throws
// CallError.
std::string prepare_xml(const std::string& domain_xml, const Preparation& preparation);

// The XML as before prepare_xml(), without a history of updates, but for what was changed elsewhere
// in it. Throws CallError
// `invalid-state` if it was not prepared, or what was prepared has been changed since.
std::string restore_xml(const std::string& domain_xml);

// Whether what a preparation is about differs between two XMLs of a domain.
bool differ_in_preparation(const std::string& domain_xml, const std::string& other_xml);

// How <domaincapabilities> are asked for.
struct DomainType {
    std::string type;
    std::string architecture;
    std::string machine;
};
DomainType domain_type(const std::string& domain_xml);

// Indented anew, for a reader.
std::string pretty_xml(const std::string& domain_xml);

}  // namespace cpr::client

#endif  // CPR_CLIENT_PREPARATION_H

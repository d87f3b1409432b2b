// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/preparation.h"

#include <array>
#include <optional>
#include <vector>

#include "base/translate.h"
#include "client/call_error.h"
#include "client/domain_metadata.h"
#include "client/xml_document.h"

namespace cpr::client {

namespace {

constexpr const char* kPrepared = "prepared";
constexpr const char* kHistory = "history";
constexpr const char* kOriginal = "original";
constexpr const char* kEmulator = "emulator";
constexpr const char* kSharedMemory = "shared-memory";

constexpr const char* kDevices = "devices";
constexpr const char* kMemoryBacking = "memoryBacking";
constexpr const char* kMetadata = "metadata";

// An element of <memoryBacking> that shared memory takes, and where its value of before is kept.
struct MemoryElement {
    const char* name;
    const char* attribute;
    const char* wanted;
    const char* kept_as;
};
constexpr std::array kMemoryElements{
    MemoryElement{"source", "type", "memfd", "memory-source"},
    MemoryElement{"access", "mode", "shared", "memory-access"},
};

// Elements that may have to be made, and which then go again.
constexpr std::array kContainers{kMetadata, kMemoryBacking};

class DomainXml {
  public:
    explicit DomainXml(const std::string& text) : document_(text, _("the domain's XML")) {
        if (name_of(root()) != "domain") {
            throw CallError("invalid-argument", _("the XML is not that of a domain"));
        }
    }

    xmlNode* root() const { return document_.root(); }
    std::string text() const { return document_.text(); }
    std::string pretty_text() const { return document_.pretty_text(); }

    std::optional<std::string> emulator() const {
        const xmlNode* devices = child_element(root(), kDevices);
        const xmlNode* element = devices ? child_element(devices, kEmulator) : nullptr;
        return element ? std::optional<std::string>(text_of(element)) : std::nullopt;
    }

    void set_emulator(const std::optional<std::string>& path) {
        xmlNode* devices = container(kDevices);
        xmlNode* element = child_element(devices, kEmulator);
        if (!path) {
            if (element) {
                remove_element(element);
            }
            return;
        }
        set_text(element ? element : add_child(devices, kEmulator), *path);
    }

    std::optional<std::string> memory(const MemoryElement& which) const {
        const xmlNode* backing = child_element(root(), kMemoryBacking);
        const xmlNode* element = backing ? child_element(backing, which.name) : nullptr;
        return element ? attribute(element, which.attribute) : std::nullopt;
    }

    void set_memory(const MemoryElement& which, const std::optional<std::string>& value) {
        xmlNode* backing = container(kMemoryBacking);
        xmlNode* element = child_element(backing, which.name);
        if (!value) {
            if (element) {
                remove_element(element);
            }
            return;
        }
        set_attribute(element ? element : add_child(backing, which.name), which.attribute, *value);
    }

    bool has_shared_memory() const {
        for (const MemoryElement& which : kMemoryElements) {
            if (memory(which) != which.wanted) {
                return false;
            }
        }
        return true;
    }

    bool has(const char* name) const { return child_element(root(), name) != nullptr; }

    void remove_if_empty(const char* name) {
        xmlNode* element = child_element(root(), name);
        if (element && child_elements(element).empty()) {
            remove_element(element);
        }
    }

    // Of the preparation, or nullptr.
    xmlNode* record() const { return metadata(kPrepared, kPreparedUri); }
    // Of the updates that it has made possible, or nullptr.
    xmlNode* history() const { return metadata(kHistory, kHistoryUri); }

    xmlNode* add_record() {
        xmlNode* element = add_child(container(kMetadata), kPrepared);
        add_namespace(element, kPreparedUri, kMetadataPrefix);
        return element;
    }

  private:
    xmlNode* metadata(const char* name, const char* uri) const {
        const xmlNode* all = child_element(root(), kMetadata);
        return all ? child_element(all, name, uri) : nullptr;
    }

    xmlNode* container(const char* name) {
        xmlNode* element = child_element(root(), name);
        return element ? element : add_child(root(), name);
    }

    XmlDocument document_;
};

// What the XML has before it is prepared: only what differs from the usual is said.
void remember(const DomainXml& xml, xmlNode* original) {
    if (const auto emulator = xml.emulator()) {
        set_attribute(original, kEmulator, *emulator);
    }
    for (const MemoryElement& which : kMemoryElements) {
        if (const auto value = xml.memory(which)) {
            set_attribute(original, which.kept_as, *value);
        }
    }
}

std::string absent_attribute(const std::string& container) {
    return "no-" + container;
}

CallError changed_since(const std::string& what) {
    return CallError("invalid-state",
                     format_text(_("{} has been changed since the domain was prepared for updates: "
                                   "what it had before cannot simply be put back; edit the domain"),
                                 what));
}

bool is_yes(const std::optional<std::string>& value) {
    return value == "yes";
}

// Whether an element was made for the preparation.
bool was_made(const DomainXml& xml, const char* container) {
    const xmlNode* record = xml.record();
    const xmlNode* original = record ? child_element(record, kOriginal, kPreparedUri) : nullptr;
    return original && is_yes(attribute(original, absent_attribute(container).c_str()));
}

// Throws CallError unless the XML has what its preparation has made of it.
void check_unchanged(const DomainXml& xml, const xmlNode* record) {
    if (xml.emulator() != attribute(record, kEmulator)) {
        throw changed_since("<emulator>");
    }
    if (is_yes(attribute(record, kSharedMemory)) && !xml.has_shared_memory()) {
        throw changed_since("<memoryBacking>");
    }
}

void restore(DomainXml& xml) {
    xmlNode* record = xml.record();
    if (!record) {
        throw CallError("invalid-state", _("the domain has not been prepared for updates"));
    }
    const xmlNode* original = child_element(record, kOriginal, kPreparedUri);
    if (!original) {
        throw CallError("invalid-argument",
                        _("the domain's metadata does not say what it had before it was prepared"));
    }
    check_unchanged(xml, record);
    xml.set_emulator(attribute(original, kEmulator));
    if (is_yes(attribute(record, kSharedMemory))) {
        for (const MemoryElement& which : kMemoryElements) {
            xml.set_memory(which, attribute(original, which.kept_as));
        }
    }
    std::vector<const char*> made;
    for (const char* name : kContainers) {
        if (was_made(xml, name)) {
            made.push_back(name);
        }
    }
    remove_element(record);
    for (const char* name : made) {
        xml.remove_if_empty(name);
    }
}

bool is_prepared(const DomainXml& xml, const Preparation& wanted) {
    const xmlNode* record = xml.record();
    return xml.emulator() == wanted.emulator &&
           (wanted.shared_memory ? xml.has_shared_memory()
                                 : !record || !is_yes(attribute(record, kSharedMemory)));
}

}  // namespace

std::string prepare_xml(const std::string& domain_xml, const Preparation& preparation) {
    DomainXml xml(domain_xml);
    if (is_prepared(xml, preparation)) {
        return domain_xml;
    }
    // It may have got a history meanwhile, which stays.
    const bool metadata_was_made = was_made(xml, kMetadata);
    if (xml.record()) {
        restore(xml);
    }
    const DomainXml before(xml.text());
    xmlNode* record = xml.add_record();
    set_attribute(record, kEmulator, preparation.emulator);
    set_attribute(record, kSharedMemory, preparation.shared_memory ? "yes" : "no");
    xmlNode* original = add_child(record, kOriginal);
    remember(before, original);
    xml.set_emulator(preparation.emulator);
    if (preparation.shared_memory) {
        for (const MemoryElement& which : kMemoryElements) {
            xml.set_memory(which, which.wanted);
        }
    }
    for (const char* name : kContainers) {
        if (!before.has(name) || (name == kMetadata && metadata_was_made)) {
            set_attribute(original, absent_attribute(name).c_str(), "yes");
        }
    }
    return xml.text();
}

std::string restore_xml(const std::string& domain_xml) {
    DomainXml xml(domain_xml);
    if (xmlNode* history = xml.record() ? xml.history() : nullptr) {
        remove_element(history);
    }
    restore(xml);
    return xml.text();
}

bool differ_in_preparation(const std::string& domain_xml, const std::string& other_xml) {
    const DomainXml xml(domain_xml);
    const DomainXml other(other_xml);
    if (xml.emulator() != other.emulator()) {
        return true;
    }
    for (const MemoryElement& which : kMemoryElements) {
        if (xml.memory(which) != other.memory(which)) {
            return true;
        }
    }
    return false;
}

DomainType domain_type(const std::string& domain_xml) {
    const DomainXml xml(domain_xml);
    DomainType result{attribute(xml.root(), "type").value_or(""), "", ""};
    const xmlNode* os = child_element(xml.root(), "os");
    if (const xmlNode* type = os ? child_element(os, "type") : nullptr) {
        result.architecture = attribute(type, "arch").value_or("");
        result.machine = attribute(type, "machine").value_or("");
    }
    return result;
}

std::string pretty_xml(const std::string& domain_xml) {
    return DomainXml(domain_xml).pretty_text();
}

}  // namespace cpr::client

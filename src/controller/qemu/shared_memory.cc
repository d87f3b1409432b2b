// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/shared_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "controller/qemu/memory_size.h"

namespace cpr::controller::qemu {
namespace {

constexpr const char* kMemfd = "memory-backend-memfd";
// Whether a RAM block has the name of its object, or that behind "/objects/".
constexpr const char* kLongName = "x-use-canonical-path-for-ramblock-id";

// What a file backend may say if it is to become one of memfd: that has all of these, or what they
// mean does not concern it.
constexpr std::array<std::string_view, 14> kConvertible{
    "qom-type",         "id",   "size",  "mem-path",     "share",  "prealloc",   "prealloc-threads",
    "prealloc-context", "dump", "merge", "discard-data", "policy", "host-nodes", kLongName};

Blocker private_memory(const Option& option, const Text& why) {
    return {
        kMemoryBlocker,
        Text("the memory of {} cannot be handed to another process: {}", option.describe(), why),
        N_("<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>, and "
           "start the domain anew")};
}

void become_memfd(Option& backend) {
    backend.set("qom-type", kMemfd);
    if (!backend.get(kLongName))
        backend.set(kLongName, false);
    backend.set("share", true);
}

std::optional<std::string> unconvertible_key(const Option& backend) {
    for (const std::string& key : backend.keys())
        // host-nodes.0=1 is what pairs have for a list.
        if (std::ranges::find(kConvertible, key.substr(0, key.find('.'))) == kConvertible.end())
            return key;
    return std::nullopt;
}

// QEMU makes a file without a name in a folder, which no other QEMU finds again. memfd has huge
// pages as well, and is handed over.
std::optional<Blocker> replace_huge_folder(Option& backend, const HostPath& path) {
    if (const auto key = unconvertible_key(backend))
        return private_memory(backend, Text("its property '{}' has no like in a {}", *key, kMemfd));
    become_memfd(backend);
    backend.erase("mem-path");
    backend.erase("discard-data");
    backend.set("hugetlb", true);
    backend.set("hugetlbsize", path.huge_page_size);
    return std::nullopt;
}

std::optional<Blocker> share_file(Option& backend, const StartFacts& facts) {
    const HostPath path = facts.look_at(backend.value("mem-path"));
    if (path.folder && path.huge_page_size != 0)
        return replace_huge_folder(backend, path);
    if (path.folder)
        return private_memory(backend, N_("it is a file without a name in a folder"));
    // What the guest writes would be written to the file.
    if (!backend.is_on("share"))
        return private_memory(backend, N_("it is a private copy of a file"));
    // The old process would discard the memory of the new one when it ends.
    if (backend.is_on("discard-data"))
        backend.set("discard-data", false);
    return std::nullopt;
}

std::optional<Blocker> share_backend(Option& backend, const StartFacts& facts) {
    const std::string type = backend.value("qom-type");
    if (!type.starts_with("memory-backend-") || type == "memory-backend-shm")
        return std::nullopt;
    if (type == "memory-backend-ram") {
        become_memfd(backend);
        return std::nullopt;
    }
    if (type == kMemfd) {
        // On is the default.
        if (backend.get("share"))
            backend.set("share", true);
        return std::nullopt;
    }
    if (type == "memory-backend-file")
        return share_file(backend, facts);
    return private_memory(backend, N_("QEMU cannot share it"));
}

bool has_own_main_memory(const ArgumentModel& model) {
    return !model.machine_property("memory-backend").empty() ||
           std::ranges::any_of(model.all("numa"),
                               [](const Option* numa) { return numa->get("memdev").has_value(); });
}

// -m alone: QEMU makes a backend itself, and calls the RAM block as the machine type wants it.
std::optional<Blocker> add_main_memory(ArgumentModel& model, const StartFacts& facts) {
    const std::vector<Option*> sizes = model.all("m");
    const auto size = sizes.empty() ? std::nullopt : parse_memory_size(sizes.back()->value("size"));
    if (!size || facts.default_ram_id.empty())
        return Blocker{kMemoryBlocker,
                       Text("the guest's memory is given by -m alone, and {}",
                            size ? Text("the machine type's name for it is not known")
                                 : Text("its size cannot be read")),
                       N_("give the machine a memory-backend, and start the domain anew")};
    Option backend = Option::make_json(
        "object",
        {{"qom-type", "memory-backend-ram"}, {"id", facts.default_ram_id}, {"size", *size}});
    if (!model.all("mem-path").empty()) {
        backend.set("qom-type", "memory-backend-file");
        backend.set("mem-path", model.all("mem-path").back()->argument());
        if (model.has("mem-prealloc"))
            backend.set("prealloc", true);
    }
    if (auto blocker = share_backend(backend, facts))
        return blocker;
    model.erase_if([](const Option& option) { return option.name() == "mem-path"; });
    model.move_behind(model.append(std::move(backend)), *sizes.back());
    model.set_machine_property("memory-backend", facts.default_ram_id);
    return std::nullopt;
}

std::optional<Blocker> refuse_confidential(const ArgumentModel& model) {
    for (const char* key : {"confidential-guest-support", "memory-encryption"})
        if (!model.machine_property(key).empty())
            return Blocker{kConfidentialBlocker,
                           Text("the guest's memory is encrypted (-machine {}={}), and "
                                "cannot be handed to another process",
                                key, model.machine_property(key)),
                           N_("remove <launchSecurity>, and start the domain anew")};
    return std::nullopt;
}

std::optional<Blocker> share_auxiliary(ArgumentModel& model, const StartFacts& facts) {
    if (!facts.has_aux_ram_share)
        return Blocker{
            kTooOldBlocker,
            N_("this QEMU cannot share all of a guest's memory (-machine aux-ram-share)"),
            N_("use QEMU 10.0 or later, and start the domain anew")};
    model.set_machine_property("aux-ram-share", true);
    return std::nullopt;
}

}  // namespace

std::vector<Blocker> share_memory(ArgumentModel& model, const StartFacts& facts) {
    ArgumentModel changed = model;
    std::vector<Blocker> blockers;
    const auto note = [&](std::optional<Blocker> blocker) {
        if (blocker)
            blockers.push_back(std::move(*blocker));
    };
    note(refuse_confidential(changed));
    for (Option* object : changed.all("object"))
        note(share_backend(*object, facts));
    if (!has_own_main_memory(changed))
        note(add_main_memory(changed, facts));
    note(share_auxiliary(changed, facts));
    if (blockers.empty())
        model = std::move(changed);
    return blockers;
}

std::optional<Blocker> share_added_memory(Object& arguments, const StartFacts& facts) {
    Option backend = Option::make_json("object", arguments);
    if (auto blocker = share_backend(backend, facts))
        return blocker;
    arguments = *backend.object();
    return std::nullopt;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/line_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "controller/qemu/descriptors.h"

namespace cpr::controller::qemu {
namespace {

// A property that names another option by its id.
struct Reference {
    std::string_view option;
    std::string_view key;
    std::string_view target;
};

constexpr std::array kReferences{
    Reference{"blockdev", "key-secret", "object"},
    Reference{"blockdev", "password-secret", "object"},
    Reference{"blockdev", "throttle-group", "object"},
    Reference{"blockdev", "tls-creds", "object"},
    Reference{"chardev", "tls-creds", "object"},
    Reference{"device", "audiodev", "audiodev"},
    Reference{"device", "chardev", "chardev"},
    Reference{"device", "iothread", "object"},
    Reference{"device", "memdev", "object"},
    Reference{"device", "netdev", "netdev"},
    Reference{"device", "rng", "object"},
    Reference{"netdev", "chardev", "chardev"},
    Reference{"numa", "memdev", "object"},
};

void note_missing(const Option& user, std::string_view key, std::string_view id,
                  std::vector<Blocker>& blockers) {
    blockers.push_back(
        {kNotReproducibleBlocker,
         Text("-{} '{}' has {}={}, which is not there", user.name(), user.id(), key, id),
         kRestartRemedy});
}

void check_references(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    for (const Reference& reference : kReferences)
        for (const Option* user : line.all(reference.option)) {
            const std::string id = user->value(reference.key);
            if (!id.empty() && !line.find(reference.target, id))
                note_missing(*user, reference.key, id, blockers);
        }
}

void check_disks(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    for (const Option* device : line.all("device")) {
        const std::string drive = device->value("drive");
        if (!drive.empty() && !line.find("blockdev", drive) && !line.find("drive", drive))
            note_missing(*device, "drive", drive, blockers);
    }
    // The key of an encrypted image.
    for (const Option* node : line.all("blockdev")) {
        const Object* object = node->object();
        if (!object || !object->contains("encrypt") || !object->at("encrypt").is_object())
            continue;
        const auto secret = object->at("encrypt").find("key-secret");
        if (secret != object->at("encrypt").end() && secret->is_string() &&
            !line.find("object", secret->get<std::string>()))
            note_missing(*node, "key-secret", secret->get<std::string>(), blockers);
    }
}

bool is_monitor(const Option& option) {
    if (option.name() == "monitor")
        return option.argument() != "none";
    if (option.name() == "object")
        return option.value("qom-type").starts_with("monitor-");
    return option.name() == "serial" && option.argument().starts_with("mon:");
}

void check_monitors(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    size_t count = line.all("mon").size() + line.all("qmp").size() + line.all("qmp-pretty").size();
    for (const char* name : {"monitor", "object", "serial"})
        count += static_cast<size_t>(std::ranges::count_if(
            line.all(name), [](const Option* option) { return is_monitor(*option); }));
    if (count > 1)
        blockers.push_back({kOtherMonitorBlocker,
                            N_("the guest has a monitor beside libvirt's, over which it can be "
                               "changed unseen"),
                            N_("remove it (<qemu:commandline>), and start the domain anew")});
}

void check_audio(const ArgumentModel& line, std::vector<Blocker>& blockers) {
    for (const Option* audio : line.all("audiodev"))
        if (audio->value("driver") == "wav")
            blockers.push_back({kNotReproducibleBlocker,
                                Text("the next QEMU would write the file of -audiodev '{}' "
                                     "from its beginning",
                                     audio->id()),
                                N_("use another <audio>, and start the domain anew")});
}

}  // namespace

std::vector<Blocker> check_line(const ArgumentModel& line) {
    std::vector<Blocker> blockers;
    if (line.has("snapshot"))
        blockers.push_back({kNotReproducibleBlocker,
                            N_("what the guest writes is in temporary files (-snapshot)"),
                            kRestartRemedy});
    check_monitors(line, blockers);
    check_audio(line, blockers);
    check_references(line, blockers);
    check_disks(line, blockers);
    for (const std::string& set : missing_sets(line))
        blockers.push_back({kDescriptorBlocker,
                            Text("something is on {}, which has been removed", set),
                            kRestartRemedy});
    return blockers;
}

}  // namespace cpr::controller::qemu

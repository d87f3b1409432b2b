// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/start_plan.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "controller/qemu/restore_file.h"

namespace cpr::controller::qemu {
namespace {

struct DirClose {
    void operator()(DIR* folder) const { closedir(folder); }
};

HostPath look_at_host(const std::string& path) {
    HostPath result;
    struct stat info {};
    struct statfs system {};
    if (stat(path.c_str(), &info) == 0)
        result.folder = S_ISDIR(info.st_mode);
    if (statfs(path.c_str(), &system) == 0 && system.f_type == HUGETLBFS_MAGIC)
        result.huge_page_size = static_cast<uint64_t>(system.f_bsize);
    return result;
}

// What the machine types of a PC call their memory, of whatever version.
std::string default_ram_id(const std::string& machine) {
    const bool pc = machine == "pc" || machine == "q35" || machine.starts_with("pc-");
    return pc ? "pc.ram" : "";
}

}  // namespace

StartFacts start_facts(const ArgumentModel& model, const Version& version) {
    return {version >= kFirstTransfer, default_ram_id(model.machine_property("type")),
            look_at_host};
}

StartPlan plan_start(const std::vector<std::string>& arguments, const Version& version,
                     const std::string& folder) {
    try {
        ArgumentModel model = ArgumentModel::parse(arguments);
        for (const Blocker& blocker : share_memory(model, start_facts(model, version)))
            log::warning("the guest cannot be updated in place: {}", blocker.reason);
        offer_restore_files(model, inheritable_descriptors());
        ChardevPlan chardevs = plan_chardevs(model);
        VncPlan vnc = version >= kFirstTransfer ? plan_vnc(model, folder) : VncPlan();
        return {model.write(), std::move(chardevs), std::move(vnc)};
    } catch (const Error& error) {
        log::warning("the guest cannot be updated in place: {}", error.message());
        return {arguments, {}, {}};
    }
}

bool denies_spawn(const ArgumentModel& model) {
    return std::ranges::any_of(model.all("sandbox"), [](const Option* sandbox) {
        return sandbox->is_on("enable") && sandbox->value("spawn") == "deny";
    });
}

void leave_spawn_to_filter(ArgumentModel& model) {
    for (Option* sandbox : model.all("sandbox"))
        if (sandbox->get("spawn"))
            sandbox->set("spawn", "allow");
}

void deny_spawn(ArgumentModel& model) {
    for (Option* sandbox : model.all("sandbox"))
        if (sandbox->get("spawn"))
            sandbox->set("spawn", "deny");
}

std::optional<std::vector<std::string>> with_spawn_left_to_filter(
    const std::vector<std::string>& arguments) {
    try {
        ArgumentModel model = ArgumentModel::parse(arguments);
        if (!denies_spawn(model))
            return std::nullopt;
        leave_spawn_to_filter(model);
        return model.write();
    } catch (const Error& error) {
        log::warning("the guest is not confined for updates in its process: {}", error.message());
        return std::nullopt;
    }
}

std::vector<int> inheritable_descriptors() {
    const std::unique_ptr<DIR, DirClose> folder(opendir("/proc/self/fd"));
    if (!folder)
        throw errno_error("list this process's descriptors");
    std::vector<int> found;
    while (const dirent* entry = readdir(folder.get())) {
        const int fd = atoi(entry->d_name);
        const int flags = fcntl(fd, F_GETFD);
        if (fd >= 3 && flags >= 0 && (flags & FD_CLOEXEC) == 0)
            found.push_back(fd);
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/daemon_restart.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

// With the daemon for all drivers and the one for QEMU: a host runs one of them.
constexpr std::array kCommand{"systemctl", "try-restart", "libvirtd.service", "virtqemud.service"};

std::string command_text() {
    return fmt::format("{}", fmt::join(kCommand, " "));
}

Error cannot_execute(int error) {
    return Error(ErrorCode::kSystem,
                 format_text(_("cannot execute '{}': {}"), command_text(), std::strerror(error)));
}

int run_command() {
    std::vector<std::string> words(kCommand.begin(), kCommand.end());
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int error =
        posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (error != 0) {
        throw cannot_execute(error);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            throw cannot_execute(errno);
        }
    }
    return status;
}

}  // namespace

void restart_libvirt_daemon() {
    if (run_command() != 0) {
        throw Error(ErrorCode::kSystem,
                    format_text(_("'{}' failed; threads of VMMs that were updated are not known to "
                                  "libvirt"),
                                command_text()));
    }
}

}  // namespace cpr::tools

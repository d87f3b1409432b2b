// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/stray_vmm.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "base/pidfd.h"

namespace cpr::controller {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 200ms;
// As libvirt gives a process between SIGTERM and SIGKILL.
constexpr auto kPatience = 10s;

}  // namespace

std::string socket_path(int listener) {
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
        size <= offsetof(sockaddr_un, sun_path))
        return {};
    const std::string path(address.sun_path, size - offsetof(sockaddr_un, sun_path));
    return path.substr(0, path.find('\0'));
}

StrayVmm::StrayVmm(EventLoop& loop, std::shared_ptr<const VmmProcess> process,
                   std::shared_ptr<const VmmProcess> known, std::string path)
    : loop_(loop), process_(std::move(process)), known_(std::move(known)), path_(std::move(path)) {
    if (known_ != process_ && !has_ended(*known_))
        known_watch_ = loop_.watch_fd(known_->pidfd.get(), G_IO_IN,
                                      [this](GIOCondition) { return on_end_of_known(); });
    if (!path_.empty())
        look();
}

bool StrayVmm::on_end_of_known() {
    log::info("process {}, which libvirt knows, has ended: ending the VMM, process {}", known_->pid,
              process_->pid);
    // It was started by us if it came after a rollback; libvirt waits until it is no process.
    reap(*known_);
    end(SIGTERM);
    return false;
}

void StrayVmm::look() {
    if (access(path_.c_str(), F_OK) < 0 && errno == ENOENT) {
        log::info("libvirt has removed '{}': ending the VMM, process {}", path_, process_->pid);
        end(SIGTERM);
        return;
    }
    timer_ = loop_.after(kInterval, [this] { look(); });
}

void StrayVmm::end(int signal_number) {
    if (signal_number == SIGTERM && std::exchange(ending_, true))
        return;
    pidfd_send_signal(process_->pidfd.get(), signal_number, nullptr, 0);
    if (signal_number == SIGTERM)
        timer_ = loop_.after(kPatience, [this] { end(SIGKILL); });
}

}  // namespace cpr::controller

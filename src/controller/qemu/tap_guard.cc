// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/tap_guard.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/error.h"
#include "base/pidfd.h"
#include "controller/qemu/descriptors.h"
#include "controller/seccomp_notification.h"
#include "controller/seccomp_rules.h"

namespace cpr::controller::qemu {
namespace {

// What changes a tap device for all that have it open.
constexpr std::array kChanges{TUNSETOFFLOAD, TUNSETSNDBUF, TUNSETVNETHDRSZ,    TUNSETQUEUE,
                              TUNSETVNETLE,  TUNSETVNETBE, TUNSETSTEERINGEBPF, TUNSETFILTEREBPF};

// QEMU tries these out, and the guest is told. The header of the release lacks them.
constexpr uint64_t kUso = 0x20 | 0x40;  // TUN_F_USO4, TUN_F_USO6

constexpr int kPass = 1;

bool kernel_has_uso() {
    utsname kernel{};
    int major = 0;
    int minor = 0;
    return uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
           std::pair(major, minor) >= std::pair(6, 2);
}

}  // namespace

bool attach_queue(int tap) {
    ifreq queue{};
    queue.ifr_flags = IFF_ATTACH_QUEUE;
    // EINVAL: it is attached, or the device has one queue.
    return ioctl(tap, TUNSETQUEUE, &queue) == 0 || errno == EINVAL;
}

std::vector<std::string> tap_devices(const ArgumentModel& line) {
    std::vector<std::string> ids;
    for (const Option* option : line.all("netdev"))
        if (option->value("type") == "tap")
            ids.push_back(option->id());
    return ids;
}

// Those of vhost are no tap devices'.
std::vector<int> tap_descriptors(const ArgumentModel& line) {
    std::vector<int> fds;
    for (const Option* option : line.all("netdev")) {
        if (option->value("type") != "tap")
            continue;
        Option taps = *option;
        taps.erase("vhostfd");
        taps.erase("vhostfds");
        for (const int fd : numbers_of(taps))
            fds.push_back(fd);
    }
    return fds;
}

std::vector<sock_filter> TapGuard::filter() {
    SeccompRules rules(SCMP_ACT_ALLOW);
    for (const unsigned long change : kChanges)
        rules.add(SCMP_ACT_NOTIFY, SCMP_SYS(ioctl),
                  SCMP_A1_32(SCMP_CMP_EQ, static_cast<uint32_t>(change)));
    return rules.program();
}

void TapGuard::watch(UniqueFd listener, int pidfd) {
    listener_ = std::move(listener);
    pidfd_ = dup_fd(pidfd);
    watch_ = loop_.watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition condition) {
        return (condition & G_IO_IN) != 0 && on_request();
    });
}

void TapGuard::follow(int pidfd) {
    pidfd_ = dup_fd(pidfd);
}

std::optional<int> TapGuard::answer(const seccomp_notif& request) const {
    const auto command = static_cast<uint32_t>(request.data.args[1]);
    if (std::ranges::find(kChanges, command) == kChanges.end())
        return std::nullopt;
    const int result = decide(request);
    return result == kPass ? std::nullopt : std::optional(result);
}

bool TapGuard::on_request() {
    SeccompNotification notification;
    const int error = seccomp_notify_receive(listener_.get(), notification.request);
    if (error < 0)
        return errno == ENOENT || errno == EINTR || errno == ECANCELED;
    const int result = decide(*notification.request);
    notification.response->id = notification.request->id;
    if (result == kPass)
        notification.response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        notification.response->error = result;
    seccomp_notify_respond(listener_.get(), notification.response);
    return true;
}

int TapGuard::decide(const seccomp_notif& request) const {
    const auto command = static_cast<uint32_t>(request.data.args[1]);
    if (open_)
        return command == TUNSETQUEUE ? set_queue(request) : kPass;
    if (command == TUNSETOFFLOAD && (request.data.args[2] & kUso) != 0 && !kernel_has_uso())
        return -EINVAL;
    return 0;
}

// A queue that QEMU believes to have detached, and was not: the kernel would refuse to attach it.
int TapGuard::set_queue(const seccomp_notif& request) const {
    const UniqueFd tap(pidfd_getfd(pidfd_.get(), static_cast<int>(request.data.args[0]), 0));
    const UniqueFd memory(
        open(fmt::format("/proc/{}/mem", request.pid).c_str(), O_RDONLY | O_CLOEXEC));
    ifreq queue{};
    if (!tap || !memory ||
        pread(memory.get(), &queue, sizeof(queue), static_cast<off_t>(request.data.args[2])) !=
            static_cast<ssize_t>(sizeof(queue)) ||
        queue.ifr_flags != IFF_ATTACH_QUEUE)
        return kPass;
    return attach_queue(tap.get()) ? 0 : -errno;
}

}  // namespace cpr::controller::qemu

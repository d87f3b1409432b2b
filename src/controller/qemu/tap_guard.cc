// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/tap_guard.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/pidfd.h"
#include "controller/seccomp_notification.h"

namespace cpr::controller::qemu {
namespace {

// What changes a tap device for all that have it open.
constexpr std::array kChanges{TUNSETOFFLOAD, TUNSETSNDBUF, TUNSETVNETHDRSZ,    TUNSETQUEUE,
                              TUNSETVNETLE,  TUNSETVNETBE, TUNSETSTEERINGEBPF, TUNSETFILTEREBPF};

// QEMU tries these out, and the guest is told. The header of the release lacks them.
constexpr uint64_t kUso = 0x20 | 0x40;  // TUN_F_USO4, TUN_F_USO6

constexpr int kPass = 1;
constexpr size_t kLargestFilter = size_t{4096} * sizeof(sock_filter);

bool kernel_has_uso() {
    utsname kernel{};
    int major = 0;
    int minor = 0;
    return uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
           std::pair(major, minor) >= std::pair(6, 2);
}

void check(int result, const Text& what) {
    if (result < 0)
        throw Error(ErrorCode::kSystem, "cannot {} for the guest's tap devices: {}", what,
                    errno_text(-result));
}

}  // namespace

std::vector<std::string> tap_devices(const ArgumentModel& line) {
    std::vector<std::string> ids;
    for (const Option* option : line.all("netdev"))
        if (option->value("type") == "tap")
            ids.push_back(option->id());
    return ids;
}

std::vector<sock_filter> TapGuard::filter() {
    const std::unique_ptr<void, decltype(&seccomp_release)> context(seccomp_init(SCMP_ACT_ALLOW),
                                                                    seccomp_release);
    if (!context)
        throw Error(ErrorCode::kSystem, "no memory for a seccomp filter");
    check(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW),
          N_("set up a filter"));
    for (const unsigned long change : kChanges)
        check(seccomp_rule_add(context.get(), SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
                               SCMP_A1_32(SCMP_CMP_EQ, static_cast<uint32_t>(change))),
              N_("make a filter"));
    const UniqueFd file(memfd_create("tap-filter", MFD_CLOEXEC));
    if (!file)
        throw errno_error("make a memory file");
    check(seccomp_export_bpf(context.get(), file.get()), N_("write a filter"));
    lseek(file.get(), 0, SEEK_SET);
    const auto bytes = read_all(file.get(), kLargestFilter, N_("the filter for tap devices"));
    std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
    memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
    return program;
}

void TapGuard::watch(UniqueFd listener, int pidfd) {
    listener_ = std::move(listener);
    pidfd_ = dup_fd(pidfd);
    watch_ = loop_.watch_fd(listener_.get(), G_IO_IN, [this](GIOCondition condition) {
        return (condition & G_IO_IN) != 0 && on_request();
    });
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
    return ioctl(tap.get(), TUNSETQUEUE, &queue) == 0 || errno == EINVAL ? 0 : -errno;
}

}  // namespace cpr::controller::qemu

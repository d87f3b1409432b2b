// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/exec_filter.h"

#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "controller/seccomp_rules.h"

namespace cpr::controller {
namespace {

constexpr std::array<unsigned long, 2> kCommands{VFIO_IOMMU_MAP_DMA, TUNSETQUEUE};

}  // namespace

// The errno values are QEMU's own; without clone3 the C library makes its threads by clone.
std::vector<sock_filter> exec_filter() {
    SeccompRules rules(SCMP_ACT_KILL_PROCESS);
    rules.add(SCMP_ACT_NOTIFY, SCMP_SYS(execve));
    rules.add(SCMP_ACT_NOTIFY, SCMP_SYS(execveat));
    rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fork));
    rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(vfork));
    rules.add(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
    for (const unsigned long command : kCommands)
        rules.add(SCMP_ACT_NOTIFY, SCMP_SYS(ioctl),
                  SCMP_A1_32(SCMP_CMP_EQ, static_cast<uint32_t>(command)));
    return rules.program();
}

UniqueFd set_exec_filter() {
    std::vector<sock_filter> filter = exec_filter();
    sock_fprog program{static_cast<uint16_t>(filter.size()), filter.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        throw errno_error("give up new privileges");
    UniqueFd listener(static_cast<int>(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
    if (!listener)
        throw errno_error("set a seccomp filter");
    return listener;
}

}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/sandbox/sandbox.h"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "vmm/sandbox/syscall_groups.h"

namespace cpr::vmm {
namespace {

// The filter answers this option of prctl, which the kernel does not know (EINVAL), by an errno
// that tells the program what the filter does about execveat. Others who start a VMM may have set
// filters of their own, so that the mode in /proc/self/status says nothing.
constexpr int kMark = 0x63707273;
constexpr int kMarkFree = EXFULL;
constexpr int kMarkDenied = ENOANO;
constexpr int kMarkByOrder = EBADRQC;

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

[[noreturn]] void fail(const char* what, int error) {
    throw Error(ErrorCode::kSystem, "cannot confine the process: {}: {}", what, strerror(-error));
}

int mark_of(ExecRight right) {
    switch (right) {
        case ExecRight::kDenied:
            return kMarkDenied;
        case ExecRight::kByOrder:
            return kMarkByOrder;
        case ExecRight::kFree:
            break;
    }
    return kMarkFree;
}

// What the filter in force says, if it is one of ours.
std::optional<ExecRight> right_in_force() {
    errno = 0;
    prctl(kMark, 0, 0, 0, 0);
    for (const ExecRight right : {ExecRight::kFree, ExecRight::kDenied, ExecRight::kByOrder})
        if (errno == mark_of(right))
            return right;
    return std::nullopt;
}

// All is allowed but what is denied, by EPERM: whatever a library calls in its next version, or
// in a situation that no test has seen, must not be what ends the guest.
class Filter {
  public:
    Filter() : context_(seccomp_init(SCMP_ACT_ALLOW), seccomp_release) {
        if (!context_)
            fail("make a filter", -ENOMEM);
        // Programs of other architectures would have other numbers.
        set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
        // A binary tree: each KVM_RUN passes the filter.
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }

    void deny(std::span<const char* const> names) {
        for (const char* name : names)
            add(name, SCMP_ACT_ERRNO(EPERM));
    }
    void add(const char* name, uint32_t action, std::optional<scmp_arg_cmp> condition = {}) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR)
            fail(name, -ENOSYS);
        const int error = seccomp_rule_add_array(context_.get(), action, number, condition ? 1 : 0,
                                                 condition ? &*condition : nullptr);
        if (error < 0)
            fail(name, error);
    }
    // Returns 0 or -errno.
    [[nodiscard]] int load() { return seccomp_load(context_.get()); }
    UniqueFd listener() const {
        const int fd = seccomp_notify_fd(context_.get());
        if (fd < 0)
            fail("ask for the filter's listener", fd);
        UniqueFd listener(fd);
        set_cloexec(fd, true);
        return listener;
    }

  private:
    void set(scmp_filter_attr attribute, uint32_t value) {
        if (const int error = seccomp_attr_set(context_.get(), attribute, value); error < 0)
            fail("set up the filter", error);
    }

    std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

void deny_processes(Filter& filter) {
    const uint32_t deny = SCMP_ACT_ERRNO(EPERM);
    filter.deny(spawn_syscalls());
    // clone3 has its flags in memory; the C library then makes its threads by clone.
    filter.add("clone3", SCMP_ACT_ERRNO(ENOSYS));
    filter.add("clone", deny, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    for (uint64_t bit = 1; bit <= kNewNamespaces; bit <<= 1)
        if (kNewNamespaces & bit)
            filter.add("clone", deny, SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
}

void add_rules(Filter& filter, const SandboxOptions& options, ExecRight right) {
    filter.add("prctl", SCMP_ACT_ERRNO(static_cast<uint32_t>(mark_of(right))),
               SCMP_A0_32(SCMP_CMP_EQ, static_cast<uint32_t>(kMark)));
    filter.deny(foreign_syscalls());
    if (options.deny_obsolete)
        filter.deny(obsolete_syscalls());
    if (options.deny_elevate_privileges)
        filter.deny(privilege_syscalls());
    if (options.deny_resource_control) {
        filter.deny(resource_syscalls());
        // To ask for a limit is harmless, and what the C library does.
        filter.add("prlimit64", SCMP_ACT_ERRNO(EPERM), SCMP_A2(SCMP_CMP_NE, 0));
    }
    if (options.deny_spawn) {
        deny_processes(filter);
        filter.add("execveat",
                   right == ExecRight::kByOrder ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM));
    }
}

// Nothing if there can be no listener: the kernel allows one, which a container's filter may have.
std::optional<Confinement> set_filter(const SandboxOptions& options, ExecRight right) {
    Filter filter;
    add_rules(filter, options, right);
    const int error = filter.load();
    if (error < 0 && right == ExecRight::kByOrder)
        return std::nullopt;
    if (error < 0)
        fail("load the filter", error);
    return Confinement{right, right == ExecRight::kByOrder ? filter.listener() : UniqueFd()};
}

}  // namespace

Confinement confine(const SandboxOptions& options, bool has_controller) {
    if (const auto right = right_in_force())
        return {*right, {}};
    if (!options.on)
        return {};
    if (!options.deny_spawn)
        return set_filter(options, ExecRight::kFree).value();
    if (has_controller)
        if (auto confinement = set_filter(options, ExecRight::kByOrder))
            return std::move(*confinement);
    return set_filter(options, ExecRight::kDenied).value();
}

}  // namespace cpr::vmm

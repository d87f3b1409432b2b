// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/sandbox/syscall_groups.h"

namespace cpr::vmm {
namespace {

constexpr const char* kForeign[] = {
    // the kernel itself
    "acct", "bpf", "delete_module", "finit_module", "init_module", "ioperm", "iopl",
    "kexec_file_load", "kexec_load", "modify_ldt", "perf_event_open", "quotactl", "quotactl_fd",
    "reboot", "swapoff", "swapon", "syslog", "userfaultfd",
    // the host's name and time
    "adjtimex", "clock_adjtime", "clock_settime", "setdomainname", "sethostname", "settimeofday",
    // mounts and namespaces
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_tree", "pivot_root", "setns", "umount2", "unshare",
    // files by other than their names
    "mknod", "mknodat", "name_to_handle_at", "open_by_handle_at",
    // other processes
    "kcmp", "kill", "pidfd_getfd", "pidfd_send_signal", "process_madvise", "process_vm_readv",
    "process_vm_writev", "ptrace", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill",
    // keys
    "add_key", "keyctl", "request_key"};

constexpr const char* kObsolete[] = {"_sysctl",       "afs_syscall",    "create_module",
                                     "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms",
                                     "getpmsg",       "lookup_dcookie", "nfsservctl",
                                     "putpmsg",       "query_module",   "remap_file_pages",
                                     "security",      "sysfs",          "tuxcall",
                                     "uselib",        "ustat",          "vserver"};

constexpr const char* kPrivilege[] = {"capset",    "setfsgid", "setfsuid", "setgid",
                                      "setgroups", "setpgid",  "setregid", "setresgid",
                                      "setresuid", "setreuid", "setsid",   "setuid"};

constexpr const char* kResource[] = {"ioprio_set",     "sched_setaffinity",  "sched_setattr",
                                     "sched_setparam", "sched_setscheduler", "setpriority",
                                     "setrlimit"};

constexpr const char* kSpawn[] = {"execve", "fork", "vfork",
                                  // They change memory and descriptors while the caller waits, so
                                  // behind the back of whoever decides about an execveat.
                                  "io_setup", "io_submit", "io_uring_enter", "io_uring_register",
                                  "io_uring_setup"};

}  // namespace

std::span<const char* const> foreign_syscalls() {
    return kForeign;
}

std::span<const char* const> obsolete_syscalls() {
    return kObsolete;
}

std::span<const char* const> privilege_syscalls() {
    return kPrivilege;
}

std::span<const char* const> resource_syscalls() {
    return kResource;
}

std::span<const char* const> spawn_syscalls() {
    return kSpawn;
}

}  // namespace cpr::vmm

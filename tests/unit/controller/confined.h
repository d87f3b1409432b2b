// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_CONFINED_H
#define CPR_TESTS_CONTROLLER_CONFINED_H

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

namespace cpr::controller {

// What a process says that has no capability and cannot get any, and this limit.
inline bool in_a_confined_process(__rlimit_resource resource, rlim_t most,
                                  const std::function<bool()>& check) {
    const pid_t child = fork();
    if (child == 0) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        const std::array<__user_cap_data_struct, 2> none{};
        const rlimit limit{most, most};
        const bool confined = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                              syscall(SYS_capset, &header, none.data()) == 0 &&
                              setrlimit(resource, &limit) == 0;
        _exit(confined && check() ? 0 : 1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_SECCOMP_RULES_H
#define CPR_CONTROLLER_SECCOMP_RULES_H

#include <linux/filter.h>
#include <seccomp.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace cpr::controller {

// A seccomp filter in the making: what it does not name is allowed. All throw Error.
class SeccompRules {
  public:
    // `foreign` is for system calls of another architecture than ours.
    explicit SeccompRules(uint32_t foreign);

    void add(uint32_t action, int call);
    void add(uint32_t action, int call, const scmp_arg_cmp& condition);

    // As the kernel takes it.
    std::vector<sock_filter> program() const;

  private:
    std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

}  // namespace cpr::controller

#endif

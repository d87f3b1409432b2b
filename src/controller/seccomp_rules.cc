// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/seccomp_rules.h"

#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace cpr::controller {
namespace {

constexpr size_t kLargestFilter = size_t{4096} * sizeof(sock_filter);

void check(int result, const Text& what) {
    if (result < 0)
        throw Error(ErrorCode::kSystem, "cannot {}: {}", what, errno_text(-result));
}

}  // namespace

SeccompRules::SeccompRules(uint32_t foreign)
    : context_(seccomp_init(SCMP_ACT_ALLOW), seccomp_release) {
    if (!context_)
        throw Error(ErrorCode::kSystem, "no memory for a seccomp filter");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, foreign),
          N_("set up a seccomp filter"));
}

void SeccompRules::add(uint32_t action, int call) {
    check(seccomp_rule_add(context_.get(), action, call, 0), N_("make a seccomp filter"));
}

void SeccompRules::add(uint32_t action, int call, const scmp_arg_cmp& condition) {
    check(seccomp_rule_add(context_.get(), action, call, 1, condition),
          N_("make a seccomp filter"));
}

std::vector<sock_filter> SeccompRules::program() const {
    const UniqueFd file = make_memfd("seccomp-filter");
    check(seccomp_export_bpf(context_.get(), file.get()), N_("write a seccomp filter"));
    const auto bytes = read_all(file.get(), kLargestFilter, N_("a seccomp filter"));
    std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
    memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
    return program;
}

}  // namespace cpr::controller

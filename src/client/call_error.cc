// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/call_error.h"

#include <array>
#include <utility>

namespace cpr::client {

namespace {

struct CodePair {
    const char* code;
    virErrorNumber vir_code;
};

constexpr std::array kCodePairs{
    CodePair{"internal", VIR_ERR_INTERNAL_ERROR},
    CodePair{"system", VIR_ERR_SYSTEM_ERROR},
    CodePair{"invalid-argument", VIR_ERR_INVALID_ARG},
    CodePair{"unsupported", VIR_ERR_OPERATION_UNSUPPORTED},
    CodePair{"invalid-state", VIR_ERR_OPERATION_INVALID},
    CodePair{"blocked", VIR_ERR_OPERATION_UNSUPPORTED},
    CodePair{"job-active", VIR_ERR_RESOURCE_BUSY},
    CodePair{"no-job", VIR_ERR_OPERATION_INVALID},
    CodePair{"timeout", VIR_ERR_OPERATION_TIMEOUT},
    CodePair{"cancelled", VIR_ERR_OPERATION_ABORTED},
};

}  // namespace

CallError::CallError(std::string code, std::string message)
    : vir_code_(vir_code_of(code)), code_(std::move(code)), message_(std::move(message)) {}

CallError CallError::from_libvirt() {
    CallError error;
    if (const virError* last = virGetLastError()) {
        error.vir_code_ = last->code;
        error.vir_domain_ = last->domain;
        error.level_ = last->level;
        error.message_ = last->message ? last->message : "";
    } else {
        error.message_ = "libvirt reported a failure without a reason";
    }
    return error;
}

virErrorNumber vir_code_of(const std::string& code) {
    for (const CodePair& pair : kCodePairs) {
        if (code == pair.code) {
            return pair.vir_code;
        }
    }
    return VIR_ERR_OPERATION_FAILED;
}

}  // namespace cpr::client

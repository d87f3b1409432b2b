// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/call_error.h"

#include <array>
#include <utility>

#include "base/translate.h"

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
    CodePair{"not-allowed", VIR_ERR_OPERATION_DENIED},
    CodePair{"not-privileged", VIR_ERR_OPERATION_DENIED},
    CodePair{"job-active", VIR_ERR_RESOURCE_BUSY},
    CodePair{"no-job", VIR_ERR_OPERATION_INVALID},
    CodePair{"timeout", VIR_ERR_OPERATION_TIMEOUT},
    CodePair{"pause-too-long", VIR_ERR_OPERATION_TIMEOUT},
    CodePair{"cancelled", VIR_ERR_OPERATION_ABORTED},
};

}  // namespace

CallError::CallError(std::string code, std::string message)
    : vir_code_(vir_code_of(code)), code_(std::move(code)), message_(std::move(message)) {}

CallError CallError::from_libvirt() {
    CallError error;
    error.libvirt_ = std::shared_ptr<virError>(virSaveLastError(), virFreeError);
    if (error.libvirt_ && error.libvirt_->code != VIR_ERR_OK) {
        error.message_ = error.libvirt_->message ? error.libvirt_->message : "";
    } else {
        error.libvirt_.reset();
        error.message_ = _("libvirt reported a failure without a reason");
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

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_params.h"

#include <libvirt-cpr/libvirt-cpr.h>

#include <new>

namespace cpr::tools {

namespace {

constexpr unsigned int kMillisecondsPerSecond = 1000;

// It fails only when memory is short.
void check(int result) {
    if (result < 0) {
        throw std::bad_alloc();
    }
}

}  // namespace

UpdateParams::UpdateParams(const UpdateRequest& request) {
    add(VIR_DOMAIN_CPR_PARAM_EMULATOR, request.emulator);
    add(VIR_DOMAIN_CPR_PARAM_MODE, request.mode);
    add(VIR_DOMAIN_CPR_PARAM_TIMEOUT, request.timeout_seconds * kMillisecondsPerSecond);
    add(VIR_DOMAIN_CPR_PARAM_MAX_PAUSE, request.max_pause_milliseconds);
}

UpdateParams::~UpdateParams() {
    virTypedParamsFree(params_, size_);
}

void UpdateParams::add(const char* name, const std::string& value) {
    if (!value.empty()) {
        check(virTypedParamsAddString(&params_, &size_, &capacity_, name, value.c_str()));
    }
}

void UpdateParams::add(const char* name, unsigned int value) {
    if (value > 0) {
        check(virTypedParamsAddUInt(&params_, &size_, &capacity_, name, value));
    }
}

}  // namespace cpr::tools

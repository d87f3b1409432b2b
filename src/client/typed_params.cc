// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/typed_params.h"

#include <utility>

#include "client/call_error.h"

namespace cpr::client {

namespace {

bool fits(const std::string& name) {
    return name.size() < VIR_TYPED_PARAM_FIELD_LENGTH;
}

void check(int result) {
    if (result < 0) {
        throw CallError::from_libvirt();
    }
}

}  // namespace

TypedParams::TypedParams(TypedParams&& other) noexcept
    : params_(std::exchange(other.params_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

TypedParams::~TypedParams() {
    virTypedParamsFree(params_, size_);
}

void TypedParams::add_string(const std::string& name, const std::string& value) {
    if (fits(name)) {
        check(virTypedParamsAddString(&params_, &size_, &capacity_, name.c_str(), value.c_str()));
    }
}

void TypedParams::add_boolean(const std::string& name, bool value) {
    if (fits(name)) {
        check(virTypedParamsAddBoolean(&params_, &size_, &capacity_, name.c_str(), value));
    }
}

void TypedParams::add_uint(const std::string& name, unsigned int value) {
    if (fits(name)) {
        check(virTypedParamsAddUInt(&params_, &size_, &capacity_, name.c_str(), value));
    }
}

void TypedParams::add_llong(const std::string& name, long long value) {
    if (fits(name)) {
        check(virTypedParamsAddLLong(&params_, &size_, &capacity_, name.c_str(), value));
    }
}

void TypedParams::add_ullong(const std::string& name, unsigned long long value) {
    if (fits(name)) {
        check(virTypedParamsAddULLong(&params_, &size_, &capacity_, name.c_str(), value));
    }
}

void TypedParams::add_double(const std::string& name, double value) {
    if (fits(name)) {
        check(virTypedParamsAddDouble(&params_, &size_, &capacity_, name.c_str(), value));
    }
}

virTypedParameterPtr TypedParams::release() {
    size_ = 0;
    capacity_ = 0;
    return std::exchange(params_, nullptr);
}

}  // namespace cpr::client

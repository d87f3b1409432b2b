// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/last_error.h"

namespace cpr::client {

LastError& LastError::of_this_thread() {
    thread_local LastError last_error;
    return last_error;
}

void LastError::clear() {
    is_set_ = false;
}

void LastError::set(const CallError& error) {
    message_ = error.message();
    code_ = error.code();
    error_ = virError{};
    error_.code = error.vir_code();
    error_.domain = error.vir_domain();
    error_.level = error.level();
    error_.message = message_.data();
    is_set_ = true;
}

virErrorPtr LastError::get() {
    return is_set_ ? &error_ : nullptr;
}

const char* LastError::code() const {
    return is_set_ && !code_.empty() ? code_.c_str() : nullptr;
}

}  // namespace cpr::client

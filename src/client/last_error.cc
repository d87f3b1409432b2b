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
    libvirt_ = error.libvirt();
    error_ = virError{};
    error_.code = error.vir_code();
    error_.domain = VIR_FROM_QEMU;
    error_.level = VIR_ERR_ERROR;
    error_.message = message_.data();
    is_set_ = true;
}

void LastError::set_warning(const CallError& error) {
    set(error);
    // libvirt's own is an error, and another's.
    libvirt_.reset();
    error_.level = VIR_ERR_WARNING;
}

virErrorPtr LastError::get() {
    if (!is_set_) {
        return nullptr;
    }
    return libvirt_ ? libvirt_.get() : &error_;
}

const char* LastError::code() const {
    return is_set_ && !code_.empty() ? code_.c_str() : nullptr;
}

}  // namespace cpr::client

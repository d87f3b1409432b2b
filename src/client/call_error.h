// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_CALL_ERROR_H
#define CPR_CLIENT_CALL_ERROR_H

#include <libvirt/virterror.h>

#include <memory>
#include <string>

namespace cpr::client {

// Why a call of the library failed, in the shape in which libvirt reports errors. It is not a
// cpr::Error because it has to carry libvirt's own domains and codes unchanged, and codes of
// controllers that are newer than this library.
class CallError {
  public:
    // An error of ours or of the controller; `code` is the stable one of docs/errors.md.
    CallError(std::string code, std::string message);

    // libvirt's last error of this thread, passed through.
    static CallError from_libvirt();

    int vir_code() const { return libvirt_ ? libvirt_->code : vir_code_; }
    const std::string& code() const { return code_; }  // empty if the error is libvirt's
    const std::string& message() const { return message_; }

    // All of libvirt's error; null if the error is not libvirt's.
    const std::shared_ptr<virError>& libvirt() const { return libvirt_; }

  private:
    CallError() = default;

    int vir_code_ = VIR_ERR_INTERNAL_ERROR;
    std::string code_;
    std::string message_;
    std::shared_ptr<virError> libvirt_;
};

// The libvirt error code that stands for a stable code; VIR_ERR_OPERATION_FAILED if none is closer.
virErrorNumber vir_code_of(const std::string& code);

}  // namespace cpr::client

#endif  // CPR_CLIENT_CALL_ERROR_H

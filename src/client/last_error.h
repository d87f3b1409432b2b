// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_LAST_ERROR_H
#define CPR_CLIENT_LAST_ERROR_H

#include <libvirt/virterror.h>

#include <memory>
#include <string>

#include "client/call_error.h"

namespace cpr::client {

// The error of the last call that this thread made, as virCprGetLastError() hands it out. Kept per
// thread because libvirt's API reports errors that way, and a C caller expects the same.
class LastError {
  public:
    // The calling thread's own.
    static LastError& of_this_thread();

    void clear();
    void set(const CallError& error);
    // Of something that did not make the call fail.
    void set_warning(const CallError& error);

    // nullptr if the last call succeeded; valid until the thread's next call.
    virErrorPtr get();

    // The stable code; nullptr if the last call succeeded or the error is libvirt's own.
    const char* code() const;

  private:
    bool is_set_ = false;
    std::string message_;
    std::string code_;
    virError error_{};
    std::shared_ptr<virError> libvirt_;
};

}  // namespace cpr::client

#endif  // CPR_CLIENT_LAST_ERROR_H

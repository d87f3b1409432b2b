// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_BOUNDARY_H
#define CPR_CLIENT_BOUNDARY_H

#include <libvirt/libvirt.h>

#include <exception>

#include "base/error.h"
#include "base/text_translation.h"
#include "base/translate.h"
#include "client/call_error.h"
#include "client/last_error.h"

namespace cpr::client {

// What all functions of the C boundary do with their arguments, and with what is thrown.

// Runs `body`, and turns whatever it throws into the thread's last error and -1.
template <typename Body>
auto at_boundary(Body body) noexcept -> decltype(body()) {
    LastError& last_error = LastError::of_this_thread();
    last_error.clear();
    try {
        return body();
    } catch (const CallError& error) {
        last_error.set(error);
    } catch (const std::exception& error) {
        last_error.set(CallError("internal", translation_of(text_of(error))));
    } catch (...) {
        last_error.set(CallError("internal", _("an unknown exception")));
    }
    return -1;
}

// These throw CallError `invalid-argument`.
void check_domain(virDomainPtr domain);
void check_flags(const char* function, unsigned int flags, unsigned int known);
// Typed parameters that are to be returned need both places, or none.
void check_params(const void* params, const void* nparams);

}  // namespace cpr::client

#endif  // CPR_CLIENT_BOUNDARY_H

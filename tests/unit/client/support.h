// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CLIENT_SUPPORT_H
#define CPR_TESTS_CLIENT_SUPPORT_H

#include <functional>
#include <string>

#include "client/call_error.h"

namespace cpr::client {

// The code of the error that is thrown, or an empty text.
inline std::string code_of(const std::function<void()>& function) {
    try {
        function();
    } catch (const CallError& error) {
        return error.code();
    }
    return "";
}

}  // namespace cpr::client

#endif

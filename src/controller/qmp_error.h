// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QMP_ERROR_H
#define CPR_CONTROLLER_QMP_ERROR_H

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"

namespace cpr::controller {

// {"error": {"class": ..., "desc": ...}}, without a code of ours: an error that QEMU has too.
nlohmann::json make_qmp_error(const std::string& error_class, const std::string& text);
// The same of class GenericError, with our code.
nlohmann::json make_qmp_error(const Error& error);
// The Error in a reply's "error" member; kInternal for one without a code of ours.
Error error_from_qmp(const nlohmann::json& error);

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_REPLY_H
#define CPR_CLIENT_REPLY_H

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cpr::client {

// The text of a QMP command. `arguments` is an object; an empty one is left out.
std::string make_command(const std::string& name, const nlohmann::json& arguments);

// A JSON object of the monitor's; what is nested too deep to be ours is dropped. Throws CallError.
nlohmann::json parse_object(const std::string& text);

// The `return` member of a QMP reply as libvirt hands it out. libvirt reports success for a QMP
// error too, with the error object as the reply: that becomes a CallError, with the controller's
// stable code, or `unsupported` for a domain whose monitor does not know the command.
nlohmann::json parse_reply(const std::string& text);

}  // namespace cpr::client

#endif  // CPR_CLIENT_REPLY_H

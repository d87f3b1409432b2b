// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qmp_error.h"

#include <nlohmann/json.hpp>

#include "base/text_json.h"

namespace cpr::controller {
namespace {

std::string text_member(const nlohmann::json& object, const char* key) {
    if (!object.is_object() || !object.contains(key) || !object[key].is_string())
        return {};
    return object[key].get<std::string>();
}

}  // namespace

nlohmann::json make_qmp_error(const std::string& error_class, const std::string& text) {
    return {{"error", {{"class", error_class}, {"desc", text}}}};
}

nlohmann::json make_qmp_error(const Error& error) {
    auto reply = make_qmp_error("GenericError", error.message());
    put_text(reply["error"], "desc", error.text());
    reply["error"]["code"] = std::string(to_string(error.code()));
    return reply;
}

Error error_from_qmp(const nlohmann::json& error) {
    const Text text = text_in(error, "desc");
    if (text_member(error, "class") == "CommandNotFound")
        return Error(ErrorCode::kUnsupported, text);
    return Error(error_code_from(text_member(error, "code")),
                 text.empty() ? Text("the VMM gave an error without a description") : text);
}

}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/reply.h"

#include <nlohmann/json.hpp>

#include "base/text_json.h"
#include "base/text_translation.h"
#include "base/translate.h"
#include "client/call_error.h"

namespace cpr::client {

using nlohmann::json;

namespace {

// Enough of an answer that is not understood to recognise it, without flooding a terminal.
constexpr std::size_t kExcerptLength = 120;

// No answer of ours is nested deeper; a peer that sends more must not exhaust the stack.
constexpr int kMaxDepth = 32;

CallError not_understood(const std::string& text) {
    return CallError("internal", format_text(_("the domain's monitor sent '{}', which is no QMP "
                                               "object; see the domain's log"),
                                             text.substr(0, kExcerptLength)));
}

std::string text_member(const json& object, const char* name) {
    auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

CallError error_of_reply(const json& error) {
    std::string desc = translation_of(text_in(error, "desc"));
    std::string code = text_member(error, "code");
    if (code.empty() && text_member(error, "class") == "CommandNotFound") {
        return CallError("unsupported",
                         _("the domain has no controller for updates in place; its "
                           "<emulator> must be virt-cpr-emulator when it is started"));
    }
    if (desc.empty()) {
        desc = _("the domain's monitor reported an error without a description");
    }
    return CallError(code.empty() ? "internal" : code, desc);
}

}  // namespace

std::string make_command(const std::string& name, const json& arguments) {
    json command{{"execute", name}};
    if (!arguments.empty()) {
        command["arguments"] = arguments;
    }
    // A path may have bytes that are not UTF-8; replacing them gives a clear "no such file".
    return command.dump(-1, ' ', false, json::error_handler_t::replace);
}

json parse_object(const std::string& text) {
    auto keep = [](int depth, json::parse_event_t, json&) { return depth <= kMaxDepth; };
    json object = json::parse(text, keep, false);
    if (!object.is_object()) {
        throw not_understood(text);
    }
    return object;
}

json parse_reply(const std::string& text) {
    json reply = parse_object(text);
    if (auto error = reply.find("error"); error != reply.end() && error->is_object()) {
        throw error_of_reply(*error);
    }
    auto result = reply.find("return");
    if (result == reply.end()) {
        throw not_understood(text);
    }
    return std::move(*result);
}

}  // namespace cpr::client

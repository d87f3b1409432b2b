// SPDX-License-Identifier: LGPL-2.1-or-later
// Descriptors that come over the monitor.
#include <string_view>

#include "base/error.h"
#include "base/json_number.h"
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

std::optional<int64_t> number_of(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() ? std::nullopt : integer_in<int64_t>(*found);
}

Serial only_descriptor(const Exchange& exchange) {
    if (exchange.descriptors.size() != 1)
        throw Error(ErrorCode::kUnsupported, "{} came with {} descriptors", exchange.command,
                    exchange.descriptors.size());
    return exchange.descriptors.front();
}

}  // namespace

void track_add_fd(Configuration& guest, const Exchange& exchange) {
    const auto set = number_of(exchange.result, "fdset-id");
    const auto number = number_of(exchange.result, "fd");
    if (!set || !number)
        throw Error(ErrorCode::kUnsupported, "the answer to add-fd has no numbers");
    guest.descriptors.add_to_set(guest.line, *set, *number, text_of(exchange.arguments, "opaque"),
                                 only_descriptor(exchange));
}

void track_remove_fd(Configuration& guest, const Exchange& exchange) {
    const auto set = number_of(exchange.arguments, "fdset-id");
    if (!set ||
        !guest.descriptors.remove_from_set(guest.line, *set, number_of(exchange.arguments, "fd")))
        throw Error(ErrorCode::kUnsupported,
                    "it cannot be told which descriptor of a set was removed");
}

void track_getfd(Configuration& guest, const Exchange& exchange) {
    guest.descriptors.name(text_of(exchange.arguments, "fdname"), only_descriptor(exchange));
}

void track_closefd(Configuration& guest, const Exchange& exchange) {
    guest.descriptors.forget_name(text_of(exchange.arguments, "fdname"));
}

void track_taken_name(Configuration& guest, const Exchange& exchange) {
    guest.descriptors.forget_name(text_of(exchange.arguments, "fdname"));
    for (const char* name : {"uri", "protocol"}) {
        const std::string uri = text_of(exchange.arguments, name);
        if (uri.starts_with("fd:"))
            guest.descriptors.forget_name(uri.substr(3));
    }
}

}  // namespace cpr::controller::qemu

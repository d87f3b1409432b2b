// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/queue_checks.h"

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json_number.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// Which queue a higher number is may depend on what the guest's driver has negotiated (virtio 1.2,
// 5.1.2), of which the next QEMU knows nothing yet.
constexpr int kQueues = 2;

// Nothing if there is no such queue, or QEMU does not tell: it then says so itself when it loads.
std::optional<uint32_t> ask_size(const Ask& ask, const json& queue, const char* member) {
    try {
        const json answer = ask("x-query-virtio-queue-status", queue);
        return answer.is_object() ? integer_in<uint32_t>(answer.value(member, json()))
                                  : std::nullopt;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kVmmGone)
            throw;
        return std::nullopt;
    }
}

void check_device(const std::string& id, const Ask& present, const Ask& next) {
    for (int number = 0; number < kQueues; ++number) {
        const json queue{{"path", "/machine/peripheral/" + id + "/virtio-backend"},
                         {"queue", number}};
        const auto used = ask_size(present, queue, "vring-num");
        const auto room = used ? ask_size(next, queue, "vring-num-default") : std::nullopt;
        if (!room)
            return;
        if (*used > *room)
            throw Error(ErrorCode::kBinaryIncompatible,
                        "queue {} of device '{}' has {} entries, and the new QEMU has {} for it: "
                        "it cannot take over what the present one made",
                        number, id, *used, *room);
    }
}

}  // namespace

void check_queue_sizes(const json& peripherals, const Ask& present, const Ask& next) {
    if (!peripherals.is_array())
        return;
    for (const json& device : peripherals)
        if (device.is_object() && device.value("type", "").starts_with("child<virtio-"))
            check_device(device.value("name", ""), present, next);
}

}  // namespace cpr::controller::qemu

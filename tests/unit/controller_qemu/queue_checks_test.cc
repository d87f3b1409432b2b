// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/queue_checks.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

const json kPeripherals = {{{"name", "type"}, {"type", "string"}},
                           {{"name", "serial0"}, {"type", "child<isa-serial>"}},
                           {{"name", "net0"}, {"type", "child<virtio-net-pci>"}}};

// A QEMU whose net0 has queues of these sizes.
Ask net(std::vector<json> sizes) {
    return [sizes = std::move(sizes)](const char* command, const json& arguments) {
        EXPECT_STREQ(command, "x-query-virtio-queue-status");
        EXPECT_EQ(arguments.at("path"), "/machine/peripheral/net0/virtio-backend");
        const auto number = arguments.at("queue").get<size_t>();
        if (number >= sizes.size())
            throw Error(ErrorCode::kUnsupported, "Invalid virtqueue number {}", number);
        return json{{"vring-num", sizes[number]}, {"vring-num-default", sizes[number]}};
    };
}

TEST(QueueChecks, EqualAndLongerOnesWillDo) {
    EXPECT_NO_THROW(check_queue_sizes(kPeripherals, net({256, 256, 64}), net({256, 1024, 64})));
}

// Before the driver has set its queue pairs up, the control queue is number 2.
TEST(QueueChecks, HigherNumbersMeanNothingYet) {
    EXPECT_NO_THROW(check_queue_sizes(kPeripherals, net({256, 256, 256}), net({256, 256, 64})));
}

TEST(QueueChecks, AShorterOneIsFound) {
    try {
        check_queue_sizes(kPeripherals, net({256, 1024, 64}), net({256, 256, 64}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBinaryIncompatible);
        EXPECT_NE(error.message().find("queue 1 of device 'net0' has 1024 entries"),
                  std::string::npos)
            << error.message();
    }
}

TEST(QueueChecks, WhoDoesNotTellOrTellsNonsenseIsLeftToTheLoad) {
    EXPECT_NO_THROW(check_queue_sizes(kPeripherals, net({}), net({256})));
    EXPECT_NO_THROW(check_queue_sizes(kPeripherals, net({1024}), net({})));
    EXPECT_NO_THROW(check_queue_sizes(kPeripherals, net({"1024"}), net({256})));
    EXPECT_NO_THROW(check_queue_sizes(json("nonsense"), net({1024}), net({256})));
}

TEST(QueueChecks, AQemuThatIsGoneIsNotTakenForASilentOne) {
    const Ask gone = [](const char*, const json&) -> json {
        throw Error(ErrorCode::kVmmGone, "gone");
    };
    EXPECT_THROW(check_queue_sizes(kPeripherals, net({256}), gone), Error);
}

}  // namespace
}  // namespace cpr::controller::qemu

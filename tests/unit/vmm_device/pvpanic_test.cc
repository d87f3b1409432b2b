// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/pvpanic.h"

#include "base/error.h"
#include "device_test.h"
#include "vmm/acpi/tables.h"

namespace cpr::vmm {
namespace {

constexpr uint16_t kPort = 0x505;
constexpr uint8_t kPanicked = 1;

class PvpanicTest : public DeviceTest {
  protected:
    std::unique_ptr<Device> make(std::map<std::string, std::string> properties = {}) {
        return make_pvpanic({"pvpanic", "pvpanic#0", std::move(properties)}, context_);
    }
    std::string error_of(std::map<std::string, std::string> properties) {
        try {
            make(std::move(properties));
        } catch (const Error& error) {
            return error.message();
        }
        return {};
    }
};

TEST_F(PvpanicTest, ReadsAsTheEventsThatThereAre) {
    const auto device = make();
    EXPECT_EQ(in(kPort), kPanicked);
    EXPECT_EQ(in(kPort + 1), 0xffu);
}

TEST_F(PvpanicTest, OnlyTheEventIsReported) {
    const auto device = make();
    for (const uint32_t value : {0u, 2u, 3u, 0xffu}) {
        EXPECT_FALSE(doorbells_.write(kPort, 1, value)) << value;
        out(kPort, value);
    }
    doorbells_.deliver();
    EXPECT_EQ(requests_.panics, 0);
    EXPECT_TRUE(doorbells_.write(kPort, 1, kPanicked));
    doorbells_.deliver();
    EXPECT_EQ(requests_.panics, 1);
}

TEST_F(PvpanicTest, APanicThatNobodyWasToldOfOutlivesAnUpdate) {
    auto device = make();
    doorbells_.write(kPort, 1, kPanicked);
    const auto restored = saved(*device);
    // A save that is undone leaves it where it is.
    EXPECT_TRUE((*doorbells_.bells.begin())->rung());
    device.reset();
    const DeviceContext context = restoring(*restored);
    device = make_pvpanic({"pvpanic", "pvpanic#0", {}}, context);
    restored->state.finish();
    doorbells_.deliver();
    EXPECT_EQ(requests_.panics, 1);
}

TEST_F(PvpanicTest, APanicThatWasToldIsNotToldAgain) {
    auto device = make();
    doorbells_.write(kPort, 1, kPanicked);
    doorbells_.deliver();
    const auto restored = saved(*device);
    device.reset();
    const DeviceContext context = restoring(*restored);
    device = make_pvpanic({"pvpanic", "pvpanic#0", {}}, context);
    doorbells_.deliver();
    EXPECT_EQ(requests_.panics, 1);
}

TEST_F(PvpanicTest, AResetForgetsThePanicBeforeIt) {
    const auto device = make();
    doorbells_.write(kPort, 1, kPanicked);
    device->reset();
    doorbells_.deliver();
    EXPECT_EQ(requests_.panics, 0);
}

TEST_F(PvpanicTest, StandsAtThePortThatIsGiven) {
    for (const auto& [text, port] :
         std::map<std::string, uint16_t>{{"1285", 0x505}, {"0x506", 0x506}, {"4095", 0xfff}}) {
        const auto device = make({{"ioport", text}});
        EXPECT_EQ(in(port), kPanicked) << text;
        EXPECT_TRUE(doorbells_.write(port, 1, kPanicked)) << text;
    }
    EXPECT_EQ(in(kPort), 0xffu);
}

TEST_F(PvpanicTest, RefusesPortsThatItCannotHave) {
    const auto device = make();
    EXPECT_NE(error_of({}).find("port 0x505 is taken"), std::string::npos);
    for (const char* port : {"", "0", "0x", "-1", "12x", "4096", "65536", "0x1505"})
        EXPECT_NE(error_of({{"ioport", port}}).find("'ioport'"), std::string::npos) << port;
}

TEST_F(PvpanicTest, TheGuestIsToldItsPort) {
    acpi::Config platform;
    make({{"ioport", "0x600"}})->describe(platform);
    EXPECT_EQ(platform.panic_port, 0x600);
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/vmm_device/device_test.h"

namespace cpr::vmm {
namespace {

struct LampState {
    static constexpr std::string_view kKind = "lamp";
    static constexpr uint16_t kVersion = 2;
    static constexpr uint16_t kOldestVersion = 1;
    bool on = false;
    uint8_t colour = 0;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.on);
        archive.since(2, self.colour);
    }
};

// A device whose state has got a later field.
class Lamp final : public StatefulDevice<LampState> {
  public:
    explicit Lamp(const DeviceContext& context) : StatefulDevice("lamp0", context) {}
    void reset() override { state_ = {}; }
    void paint(uint8_t colour) { state_.colour = colour; }
    uint8_t colour() const { return state_.colour; }
};

struct StateVersionsTest : DeviceTest {
    static uint16_t told(const Device& device) { return device.sections().at(0).version; }
    uint16_t written(const Device& device) { return saved(device)->state.sections().at(0).version; }
};

TEST_F(StateVersionsTest, ADeviceTellsTheVersionThatItWouldWrite) {
    Lamp lamp(context_);
    EXPECT_EQ(told(lamp), 1);
    EXPECT_EQ(written(lamp), 1);
    lamp.paint(5);
    EXPECT_EQ(told(lamp), 2);
    EXPECT_EQ(written(lamp), 2);
    lamp.reset();
    EXPECT_EQ(told(lamp), 1);
}

TEST_F(StateVersionsTest, ALaterFieldComesBack) {
    Lamp lamp(context_);
    lamp.paint(5);
    const auto state = saved(lamp);
    EXPECT_EQ(Lamp(restoring(*state)).colour(), 5);
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/serial16550.h"

#include "base/error.h"
#include "device_test.h"
#include "vmm/device/serial16550_registers.h"

namespace cpr::vmm {
namespace {

using namespace serial16550;

constexpr uint64_t kBase = 0x3f8;
constexpr uint32_t kGsi = 4;

class SerialTest : public DeviceTest {
  protected:
    TestChardev line_{"line"};
    std::unique_ptr<Serial16550> serial_ =
        std::make_unique<Serial16550>("serial0", 0, line_, context_);
};

TEST_F(SerialTest, WritesGoOutAndRaiseTheEmptyInterruptOnce) {
    out(kBase + kInterruptEnable, kIerTransmitter);
    EXPECT_TRUE(lines_.levels[kGsi]);
    EXPECT_EQ(in(kBase + kInterruptId), kIirTransmitter);
    EXPECT_FALSE(lines_.levels[kGsi]);
    out(kBase + kData, 'x');
    EXPECT_EQ(line_.output, "x");
    EXPECT_TRUE(lines_.levels[kGsi]);
}

TEST_F(SerialTest, InputFillsTheFifoAndNoMore) {
    out(kBase + kInterruptId, kFcrEnable);
    out(kBase + kInterruptEnable, kIerData);
    EXPECT_EQ(line_.type("0123456789abcdefXYZ"), kFifoSize);
    EXPECT_TRUE(lines_.levels[kGsi]);
    EXPECT_EQ(in(kBase + kInterruptId), kIirData | kIirFifos);
    std::string got;
    while (in(kBase + kLineStatus) & kLsrData)
        got += static_cast<char>(in(kBase + kData));
    EXPECT_EQ(got, "0123456789abcdef");
    EXPECT_FALSE(lines_.levels[kGsi]);
}

TEST_F(SerialTest, LoopbackConnectsOutputsToInputs) {
    out(kBase + kModemControl, kMcrLoop | kMcrRts | kMcrOut2);
    EXPECT_EQ(in(kBase + kModemStatus), kMsrCts | kMsrDcd);
    out(kBase + kData, 'q');
    EXPECT_EQ(in(kBase + kData), 'q');
    EXPECT_EQ(line_.output, "");
}

TEST_F(SerialTest, OverrunIsReportedOnce) {
    out(kBase + kModemControl, kMcrLoop);
    out(kBase + kData, 'a');
    out(kBase + kData, 'b');
    EXPECT_TRUE(in(kBase + kLineStatus) & kLsrOverrun);
    EXPECT_FALSE(in(kBase + kLineStatus) & kLsrOverrun);
}

TEST_F(SerialTest, DivisorIsBehindTheLatch) {
    out(kBase + kLineControl, kLcrDivisorLatch);
    out(kBase + kData, 0x34);
    out(kBase + kInterruptEnable, 0x12);
    EXPECT_EQ(in(kBase + kData), 0x34u);
    EXPECT_EQ(in(kBase + kInterruptEnable), 0x12u);
    out(kBase + kLineControl, 3);
    EXPECT_EQ(in(kBase + kInterruptEnable), 0u);
}

TEST_F(SerialTest, ARestoredDeviceGoesOnWhereItWas) {
    out(kBase + kInterruptId, kFcrEnable);
    out(kBase + kInterruptEnable, kIerData);
    out(kBase + kScratch, 0x5a);
    line_.type("abc");
    auto restored = saved(*serial_);
    serial_.reset();
    lines_.levels.clear();
    serial_ = std::make_unique<Serial16550>("serial0", 0, line_, restoring(*restored));
    restored->state.finish();
    serial_->attach_interrupts();
    EXPECT_TRUE(lines_.levels[kGsi]);
    EXPECT_EQ(in(kBase + kScratch), 0x5au);
    EXPECT_EQ(in(kBase + kData), 'a');
    EXPECT_EQ(in(kBase + kData), 'b');
}

TEST_F(SerialTest, FactoryNamesWhatIsWrong) {
    serial_.reset();
    const auto error_of = [&](std::map<std::string, std::string> properties) {
        try {
            make_serial16550({"isa-serial", "serial0", std::move(properties)}, context_);
        } catch (const Error& error) {
            return error.message();
        }
        return std::string();
    };
    EXPECT_NE(error_of({}).find("'chardev' is missing"), std::string::npos);
    EXPECT_NE(error_of({{"chardev", "none"}}).find("no chardev 'none'"), std::string::npos);
    EXPECT_NE(error_of({{"chardev", "x"}, {"index", "4"}}).find("'index'"), std::string::npos);
}

TEST(SerialState, TooFullAFifoIsRefused) {
    Serial16550State state;
    state.received.resize(kFifoSize + 1);
    EXPECT_THROW(state.validate(), Error);
}

}  // namespace
}  // namespace cpr::vmm

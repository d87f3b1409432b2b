// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/reset_control.h"

#include <algorithm>

#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint8_t kResetCpu = 1u << 2;
constexpr uint8_t kWritable = 0x0e;

constexpr uint64_t kKeyboardCommandPort = 0x64;
constexpr uint8_t kPulseResetLine = 0xfe;

}  // namespace

ResetControl::ResetControl(const DeviceContext& context)
    : StatefulDevice(kId, context),
      requests_(context.requests),
      ports_(context.ports),
      keyboard_(context.requests) {
    ports_.map(platform::kResetPort, 1, *this, kId);
    ports_.map(kKeyboardCommandPort, 1, keyboard_, "keyboard-reset");
}

ResetControl::~ResetControl() {
    ports_.unmap(kKeyboardCommandPort);
    ports_.unmap(platform::kResetPort);
}

void ResetControl::read(uint64_t, std::span<uint8_t> data) {
    std::ranges::fill(data, uint8_t{0});
    data[0] = state_.value | state_.scratch;
}

void ResetControl::write(uint64_t, std::span<const uint8_t> data) {
    const bool rises = ~state_.value & data[0] & kResetCpu;
    state_.value = data[0] & kWritable;
    state_.scratch = data[0] & ResetControlState::kScratchBits;
    if (rises)
        requests_.request_reset();
}

void ResetControl::Keyboard::read(uint64_t, std::span<uint8_t> data) {
    // Nothing to read, and ready for a command.
    std::ranges::fill(data, uint8_t{0});
}

void ResetControl::Keyboard::write(uint64_t, std::span<const uint8_t> data) {
    if (data[0] == kPulseResetLine)
        requests_.request_reset();
}

}  // namespace cpr::vmm

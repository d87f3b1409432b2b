// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/pvpanic.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "vmm/acpi/tables.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint16_t kDefaultPort = 0x505;
constexpr uint8_t kPanicked = 1u << 0;

uint16_t port_of(const DeviceConfig& config) {
    const auto property = config.properties.find("ioport");
    if (property == config.properties.end())
        return kDefaultPort;
    std::string_view text = property->second;
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal)
        text.remove_prefix(2);
    uint16_t port = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), port, hexadecimal ? 16 : 10);
    // Above are the ports that the guest gives to PCI devices.
    if (error != std::errc() || end != text.data() + text.size() || port == 0 ||
        port >= platform::kPciIoBase)
        throw Error(ErrorCode::kInvalidArgument,
                    "device '{}': property 'ioport' must be a number from 1 to {}, not '{}'",
                    config.id, platform::kPciIoBase - 1, property->second);
    return port;
}

}  // namespace

Pvpanic::Pvpanic(std::string id, uint16_t port, const DeviceContext& context)
    : StatefulDevice(std::move(id), context), ports_(context.ports), port_(port) {
    if (ports_.overlaps(port_, 1))
        throw Error(ErrorCode::kInvalidArgument, "device '{}': port {:#x} is taken", this->id(),
                    port_);
    doorbell_ = context.doorbells.make({port_, 1, kPanicked},
                                       [&requests = context.requests] { requests.report_panic(); });
    if (state_.pending)
        doorbell_->ring();
    ports_.map(port_, 1, *this, this->id());
}

Pvpanic::~Pvpanic() {
    ports_.unmap(port_);
}

void Pvpanic::read(uint64_t, std::span<uint8_t> data) {
    std::ranges::fill(data, uint8_t{0});
    data[0] = kPanicked;
}

void Pvpanic::reset() {
    doorbell_->clear();
}

void Pvpanic::describe(acpi::Config& platform) const {
    platform.panic_port = port_;
}

std::unique_ptr<Device> make_pvpanic(const DeviceConfig& config, const DeviceContext& context) {
    return std::make_unique<Pvpanic>(config.id, port_of(config), context);
}

}  // namespace cpr::vmm

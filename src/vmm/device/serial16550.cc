// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/device/serial16550.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "vmm/acpi/tables.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/platform.h"
#include "vmm/device/serial16550_registers.h"

namespace cpr::vmm {

using namespace serial16550;

void Serial16550State::validate() const {
    if (received.size() > kFifoSize)
        throw Error(ErrorCode::kCorruptState, "{} bytes in a FIFO of {}", received.size(),
                    kFifoSize);
}

Serial16550::Serial16550(std::string id, uint32_t port, Chardev& chardev,
                         const DeviceContext& context)
    : StatefulDevice(std::move(id), context),
      chardev_(chardev),
      ports_(context.ports),
      interrupts_(context.interrupts),
      port_(port),
      base_(platform::kSerialPort[port]),
      gsi_(platform::kSerialGsi[port]) {
    ports_.map(base_, 8, *this, this->id());
    chardev_.set_receiver(
        {[this] { return room(); }, [this](std::span<const uint8_t> data) { receive(data); }});
}

Serial16550::~Serial16550() {
    chardev_.set_receiver({});
    ports_.unmap(base_);
}

void Serial16550::reset() {
    state_ = {};
    update_interrupt();
    chardev_.accept_input();
}

void Serial16550::describe(acpi::Config& platform) const {
    platform.serial_ports.push_back(port_);
}

void Serial16550::read(uint64_t offset, std::span<uint8_t> data) {
    for (size_t i = 0; i < data.size(); ++i)
        data[i] = read_register(static_cast<uint8_t>(offset + i));
}

void Serial16550::write(uint64_t offset, std::span<const uint8_t> data) {
    for (size_t i = 0; i < data.size(); ++i)
        write_register(static_cast<uint8_t>(offset + i), data[i]);
}

uint8_t Serial16550::read_register(uint8_t index) {
    const bool latch = state_.line_control & kLcrDivisorLatch;
    switch (index) {
        case kData:
            return latch ? static_cast<uint8_t>(state_.divisor) : read_data();
        case kInterruptEnable:
            return latch ? static_cast<uint8_t>(state_.divisor >> 8) : state_.interrupt_enable;
        case kInterruptId: {
            const uint8_t id = interrupt_id();
            if (id == kIirTransmitter)
                state_.transmitter_interrupt = false;
            update_interrupt();
            return id | (state_.fifos_enabled ? kIirFifos : 0);
        }
        case kLineControl:
            return state_.line_control;
        case kModemControl:
            return state_.modem_control;
        case kLineStatus: {
            const uint8_t status = line_status();
            state_.overrun = false;
            update_interrupt();
            return status;
        }
        case kModemStatus:
            return modem_status();
        case kScratch:
            return state_.scratch;
        default:
            return 0xff;
    }
}

void Serial16550::write_register(uint8_t index, uint8_t value) {
    const bool latch = state_.line_control & kLcrDivisorLatch;
    switch (index) {
        case kData:
            if (latch)
                state_.divisor = static_cast<uint16_t>((state_.divisor & 0xff00) | value);
            else
                transmit(value);
            break;
        case kInterruptEnable:
            if (latch) {
                state_.divisor = static_cast<uint16_t>((state_.divisor & 0xff) | value << 8);
                break;
            }
            // Enabling the interrupt of an empty transmitter raises it.
            if (~state_.interrupt_enable & value & kIerTransmitter)
                state_.transmitter_interrupt = true;
            state_.interrupt_enable = value & 0x0f;
            break;
        case kInterruptId:
            write_fifo_control(value);
            break;
        case kLineControl:
            state_.line_control = value;
            break;
        case kModemControl:
            state_.modem_control = value & 0x1f;
            break;
        case kScratch:
            state_.scratch = value;
            break;
        default:
            break;
    }
    update_interrupt();
}

uint8_t Serial16550::read_data() {
    if (state_.received.empty())
        return 0;
    const uint8_t value = state_.received.front();
    state_.received.erase(state_.received.begin());
    update_interrupt();
    chardev_.accept_input();
    return value;
}

void Serial16550::transmit(uint8_t value) {
    if (state_.modem_control & kMcrLoop)
        receive({&value, 1});
    else
        chardev_.write({&value, 1});
    state_.transmitter_interrupt = true;
}

void Serial16550::write_fifo_control(uint8_t value) {
    const bool enable = value & kFcrEnable;
    if (enable != state_.fifos_enabled || value & kFcrResetReceiver) {
        state_.received.clear();
        chardev_.accept_input();
    }
    state_.fifos_enabled = enable;
}

uint8_t Serial16550::interrupt_id() const {
    if (state_.interrupt_enable & kIerLine && state_.overrun)
        return kIirLine;
    if (state_.interrupt_enable & kIerData && !state_.received.empty())
        return kIirData;
    if (state_.interrupt_enable & kIerTransmitter && state_.transmitter_interrupt)
        return kIirTransmitter;
    return kIirNone;
}

uint8_t Serial16550::line_status() const {
    return kLsrTransmitterEmpty | (state_.received.empty() ? 0 : kLsrData) |
           (state_.overrun ? kLsrOverrun : 0);
}

uint8_t Serial16550::modem_status() const {
    if (!(state_.modem_control & kMcrLoop))
        return kMsrCts | kMsrDsr | kMsrDcd;
    // The outputs are connected to the inputs.
    uint8_t status = 0;
    status |= state_.modem_control & kMcrRts ? kMsrCts : 0;
    status |= state_.modem_control & kMcrDtr ? kMsrDsr : 0;
    status |= state_.modem_control & kMcrOut1 ? kMsrRi : 0;
    status |= state_.modem_control & kMcrOut2 ? kMsrDcd : 0;
    return status;
}

size_t Serial16550::room() const {
    // In loopback the input line is cut off.
    if (state_.modem_control & kMcrLoop)
        return 0;
    const size_t capacity = state_.fifos_enabled ? kFifoSize : 1;
    return capacity - std::min(capacity, state_.received.size());
}

void Serial16550::receive(std::span<const uint8_t> data) {
    const size_t capacity = state_.fifos_enabled ? kFifoSize : 1;
    for (const uint8_t value : data) {
        if (state_.received.size() >= capacity)
            state_.overrun = true;
        else
            state_.received.push_back(value);
    }
    update_interrupt();
}

void Serial16550::update_interrupt() {
    interrupts_.set_line(gsi_, interrupt_id() != kIirNone);
}

std::unique_ptr<Device> make_serial16550(const DeviceConfig& config, const DeviceContext& context) {
    uint32_t port = 0;
    if (const auto index = config.properties.find("index"); index != config.properties.end()) {
        const std::string& text = index->second;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
        if (error != std::errc() || end != text.data() + text.size() ||
            port >= std::size(platform::kSerialPort))
            throw Error(ErrorCode::kInvalidArgument,
                        "device '{}': property 'index' must be a number from 0 to 3, not '{}'",
                        config.id, text);
    }
    const auto name = config.properties.find("chardev");
    if (name == config.properties.end())
        throw Error(ErrorCode::kInvalidArgument, "device '{}': property 'chardev' is missing",
                    config.id);
    const auto chardev = context.chardevs.find(name->second);
    if (chardev == context.chardevs.end())
        throw Error(ErrorCode::kInvalidArgument, "device '{}': there is no chardev '{}'", config.id,
                    name->second);
    return std::make_unique<Serial16550>(config.id, port, *chardev->second, context);
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_SERIAL16550_H
#define CPR_VMM_DEVICE_SERIAL16550_H

#include "vmm/chardev/chardev.h"
#include "vmm/core/bus.h"
#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

struct Serial16550State {
    static constexpr std::string_view kKind = "serial16550";
    static constexpr uint16_t kVersion = 1;
    uint16_t divisor = 12;  // 9600 baud, as after a BIOS
    uint8_t interrupt_enable = 0;
    uint8_t line_control = 0;
    uint8_t modem_control = 0;
    uint8_t scratch = 0;
    bool fifos_enabled = false;
    bool overrun = false;
    bool transmitter_interrupt = false;  // THR became empty, and nobody has looked yet
    std::vector<uint8_t> received;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.divisor, self.interrupt_enable, self.line_control, self.modem_control,
                self.scratch, self.fifos_enabled, self.overrun, self.transmitter_interrupt,
                self.received);
    }
    void validate() const;
    bool operator==(const Serial16550State&) const = default;
};

// isa-serial: a 16550A at a COM port, in front of a Chardev. Output is passed on at once, so the
// transmitter is always empty; the speed and format have no meaning.
class Serial16550 final : public StatefulDevice<Serial16550State>, public BusDevice {
  public:
    // `port` is 0 for COM1. Throws Error.
    Serial16550(std::string id, uint32_t port, Chardev& chardev, const DeviceContext& context);
    ~Serial16550() override;

    void read(uint64_t offset, std::span<uint8_t> data) override;
    void write(uint64_t offset, std::span<const uint8_t> data) override;
    void reset() override;
    void describe(acpi::Config& platform) const override;
    // The line's level is the device's to know; the interrupt controller's state has the edge.
    void attach_interrupts() override { update_interrupt(); }

  private:
    uint8_t read_register(uint8_t index);
    void write_register(uint8_t index, uint8_t value);
    uint8_t read_data();
    uint8_t interrupt_id() const;
    uint8_t line_status() const;
    uint8_t modem_status() const;
    size_t room() const;
    void receive(std::span<const uint8_t> data);
    void transmit(uint8_t value);
    void write_fifo_control(uint8_t value);
    void update_interrupt();

    Chardev& chardev_;
    Bus& ports_;
    InterruptController& interrupts_;
    uint32_t port_;
    uint64_t base_;
    uint32_t gsi_;
};

// Properties: chardev, index. Throws Error kInvalidArgument.
std::unique_ptr<Device> make_serial16550(const DeviceConfig& config, const DeviceContext& context);

}  // namespace cpr::vmm

#endif

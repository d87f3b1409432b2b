// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_PCI_FUNCTION_H
#define CPR_VMM_PCI_PCI_FUNCTION_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vmm/core/machine_config.h"
#include "vmm/pci/pci_address.h"
#include "vmm/pci/pci_config.h"

namespace cpr::vmm {

class PciBus;
class PciHost;

constexpr unsigned kPciBars = 6;

// The part of a device's state that every PCI function has.
struct PciFunctionState {
    static constexpr bool kFielded = true;
    std::vector<uint8_t> config;
    std::array<std::optional<uint64_t>, kPciBars> mapped;  // where each BAR is decoded now
    bool intx = false;                                     // the function asserts its INTx pin

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.config, self.mapped, self.intx);
    }
};

struct PciBar {
    enum class Kind { kNone, kIo, kMemory32, kMemory64 };
    Kind kind = Kind::kNone;
    uint64_t size = 0;  // a power of two
    bool prefetchable = false;
};

struct PciIdentity {
    uint16_t vendor = 0;
    uint16_t device = 0;
    uint32_t class_code = 0;  // base class, subclass, interface
    uint8_t revision = 0;
    uint16_t subsystem_vendor = 0;
    uint16_t subsystem = 0;
};

// One function of a PCI device: configuration space, BARs and the place on a bus. A device derives
// from it beside Device, gives it the PciFunctionState in its own state, builds the layout in its
// constructor, and calls complete() last.
//
// A restoring function is never reset: complete() takes the saved configuration space and BAR
// mappings over, and nobody calls reset_function() or assigns resources until the guest asks.
// All calls need the machine lock, except during construction.
class PciFunction {
  public:
    PciFunction(std::string name, PciFunctionState& state, bool restored);
    virtual ~PciFunction();
    PciFunction(const PciFunction&) = delete;
    PciFunction& operator=(const PciFunction&) = delete;

    // The guest's accesses to the configuration space; any offset and size, never throw.
    virtual void config_read(size_t offset, std::span<uint8_t> data);
    virtual void config_write(size_t offset, std::span<const uint8_t> data);
    // The same with a value of 1, 2 or 4 bytes.
    uint32_t config_read(size_t offset, size_t size);
    void config_write(size_t offset, uint32_t value, size_t size);

    // The bus behind a bridge, else null.
    virtual PciBus* secondary() { return nullptr; }
    // A reset of the bus that the function is on (a bridge's secondary bus reset).
    virtual void bus_reset() { reset_function(); }

    const std::string& name() const { return name_; }
    const PciBar& bar(unsigned index) const { return bars_[index]; }
    std::optional<uint64_t> mapped(unsigned index) const { return pci_state_.mapped[index]; }
    PciBus* bus() const { return bus_; }
    PciAddress address() const { return address_; }
    bool is_multifunction() const;
    // The GSI of the function's INTx pin; nothing if it has no pin. It is on a bus.
    std::optional<uint32_t> intx_line() const;

    // Puts the function on the bus and address that the properties bus, addr and multifunction say.
    // Throws Error kInvalidArgument.
    void attach(PciHost& host, const DeviceConfig& config);
    void attach(PciBus& bus, PciAddress address);

  protected:
    PciConfig& config() { return config_; }
    const PciConfig& config() const { return config_; }
    void set_identity(const PciIdentity& identity);
    // BAR registers of the type-0 header. A 64-bit BAR takes the next index, too.
    void add_bar(unsigned index, const PciBar& bar);
    // INTA..INTD as 1..4.
    void set_interrupt_pin(uint8_t pin);

    // Ends the construction: keeps the layout for resets, or takes the saved state over.
    // Throws Error kCorruptState, or what map_bar() throws at a restore.
    void complete();
    // Back to the layout as completed, with all BARs unmapped and the line low.
    void reset_function();
    // First in the destructor of a class that overrides unmap_bar().
    void unmap_bars();
    // After a change of the command register or of a BAR: unmap the BARs that are not decoded where
    // they were, and map those that are decoded somewhere new. All that go are to be gone before
    // any comes: BARs may swap places in one write.
    void stop_decoding();
    void start_decoding();
    void set_intx(bool level);

    // Whether the function answers to memory and I/O accesses; by default as the command register
    // says.
    virtual bool decodes(PciBar::Kind kind) const;
    // Makes a BAR answer at a guest-physical address or port, and takes it away. map_bar() may
    // throw Error: the BAR then stays unmapped.
    virtual void map_bar(unsigned, uint64_t) {}
    virtual void unmap_bar(unsigned) {}

  private:
    std::optional<uint64_t> decoded_address(unsigned index) const;

    std::string name_;
    PciFunctionState& pci_state_;
    PciFunctionState saved_;
    bool restored_;
    PciConfig config_;
    std::vector<uint8_t> initial_;
    std::array<PciBar, kPciBars> bars_{};
    std::array<std::optional<uint64_t>, kPciBars> refused_;  // said so once
    PciBus* bus_ = nullptr;
    PciAddress address_;
};

}  // namespace cpr::vmm

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_PCI_H
#define CPR_VMM_VFIO_VFIO_PCI_H

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"
#include "vmm/pci/pci_function.h"
#include "vmm/vfio/vfio_bar.h"
#include "vmm/vfio/vfio_config.h"
#include "vmm/vfio/vfio_interrupts.h"
#include "vmm/vfio/vfio_manager.h"

namespace cpr::vmm {

// As it was while MSI-X was all that guests saw of a device's interrupts.
struct VfioPciStateV1 {
    static constexpr std::string_view kKind = "vfio-pci";
    static constexpr uint16_t kVersion = 1;
    std::string host;
    uint32_t group = 0;
    PciFunctionState pci;
    std::optional<MsixState> msix;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.host, self.group, self.pci, self.msix);
    }
};

struct VfioPciState {
    static constexpr std::string_view kKind = "vfio-pci";
    static constexpr uint16_t kVersion = 2;
    std::string host;    // DDDD:BB:SS.F
    uint32_t group = 0;  // IOMMU group
    PciFunctionState pci;
    VfioInterruptsState interrupts;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.host, self.group, self.pci, self.interrupts);
    }

    // The guest goes on seeing what it saw.
    using Previous = VfioPciStateV1;
    static VfioPciState upgrade(const VfioPciStateV1& old);
};

// -device vfio-pci: a PCI device of the host, passed through.
//
// At a restore it is built around the preserved descriptors: the device is only read (its
// configuration space), never written, reset or given other interrupts, and its interrupts reach
// the guest again from attach_interrupts() on.
class VfioPci final : public StatefulDevice<VfioPciState>, public PciFunction {
  public:
    // Throws Error, which names the device and the host device.
    VfioPci(const DeviceConfig& config, const DeviceContext& context);
    ~VfioPci() override;

    // Interrupts off, BARs unmapped, then the device itself is reset. Called for a reset of the
    // platform, of the bus or of the function, but never by a restore.
    void reset() override;
    void bus_reset() override { reset(); }

    using PciFunction::config_read;
    using PciFunction::config_write;
    void config_read(size_t offset, std::span<uint8_t> data) override;
    void config_write(size_t offset, std::span<const uint8_t> data) override;

    void keep(state::OutgoingFds& fds) const override;
    void detach_interrupts() override;
    void attach_interrupts() override;

  protected:
    bool decodes(PciBar::Kind kind) const override;
    void map_bar(unsigned index, uint64_t address) override;
    void unmap_bar(unsigned index) override;

  private:
    // Where the MSI-X table or the pending bits are.
    struct MsixPlace {
        unsigned bar = 0;
        uint64_t offset = 0;
        uint64_t in_device = 0;  // in the device's descriptor
    };
    // The device of the old binary.
    void take(const std::string& host, Restored& restored);
    void open(const std::string& host, Restored* restored);
    void build(const DeviceContext& context);
    void build_interrupts(const DeviceContext& context);
    void reset_host_device();
    void read_pending(uint64_t offset, std::span<uint8_t> data);
    void build_bars(const DeviceContext& context);
    void build_bar(unsigned index, const DeviceContext& context);
    MsixPlace msix_place(uint8_t reg, size_t size) const;
    std::vector<VfioBar::Overlay> overlays(unsigned bar);
    std::string fd_name() const { return "vfio-device." + id(); }

    VfioManager& vfio_;
    UniqueFd device_;
    bool can_reset_ = false;
    std::optional<VfioConfig> layout_;
    std::optional<VfioInterrupts> interrupts_;
    MsixPlace table_;
    MsixPlace pending_;
    std::array<std::unique_ptr<VfioBar>, kPciBars> vfio_bars_;
};

std::unique_ptr<Device> make_vfio_pci(const DeviceConfig& config, const DeviceContext& context);

}  // namespace cpr::vmm

#endif

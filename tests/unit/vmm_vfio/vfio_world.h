// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_UNIT_VMM_VFIO_VFIO_WORLD_H
#define CPR_TESTS_UNIT_VMM_VFIO_VFIO_WORLD_H

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>

#include "fakes/fake_platform.h"
#include "fakes/fake_vfio.h"
#include "fakes/gone.h"
#include "vmm/core/platform.h"
#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"
#include "vmm/vfio/vfio_manager.h"
#include "vmm/vfio/vfio_pci.h"

namespace cpr::vmm {

constexpr uint64_t kRamSize = 0x200000;
constexpr uint64_t kHighRam = uint64_t{4} << 30;

// A VMM process with RAM below and above 4 GiB, a root port and a passthrough device behind it. The
// kernel (FakeVfio) is shared by all that live one after the other.
struct VfioWorld {
    explicit VfioWorld(std::shared_ptr<fakes::FakeVfio> kernel_side, Restored* restored = nullptr)
        : kernel(std::move(kernel_side)), context(platform.context(restored)) {
        add_ram(0, "ram-low");
        add_ram(kHighRam, "ram-high");
        host = std::make_unique<PciHost>(context);
        context.pci = host.get();
        vfio = std::make_unique<VfioManager>(context, kernel);
        context.vfio = vfio.get();
        port = std::make_unique<RootPort>(
            DeviceConfig{"pcie-root-port", "pci.1", {{"addr", "0x2"}}}, context);
    }
    ~VfioWorld() {
        others.clear();
        device.reset();
        port.reset();
        vfio.reset();
        host.reset();
        for (void* memory : ram)
            munmap(memory, kRamSize);
    }

    void add_ram(uint64_t gpa, const std::string& name) {
        ram.push_back(
            mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        platform.memory.add(
            {.gpa = gpa, .size = kRamSize, .host = ram.back(), .is_ram = true, .name = name});
    }
    void add_device(std::map<std::string, std::string> more = {}) {
        more.insert({{"host", "0000:00:05.0"}, {"bus", "pci.1"}, {"addr", "0x0"}});
        device = std::make_unique<VfioPci>(DeviceConfig{"vfio-pci", "hostdev0", more}, context);
    }
    // A device on the root bus.
    VfioPci& add_other(const std::string& id, const std::string& address) {
        others.push_back(std::make_unique<VfioPci>(
            DeviceConfig{"vfio-pci", id, {{"host", address}, {"addr", address.substr(8)}}},
            context));
        return *others.back();
    }
    void start() {
        add_device();
        host->assign_resources();
    }
    PciFunction& function() { return *device; }
    uint64_t bar() const { return *device->mapped(0); }

    void mmio_write(uint64_t address, uint64_t value, size_t size = 4) {
        std::array<uint8_t, 8> bytes{};
        memcpy(bytes.data(), &value, 8);
        platform.mmio.write(address, std::span<const uint8_t>(bytes).first(size));
    }
    uint64_t mmio_read(uint64_t address, size_t size = 4) {
        std::array<uint8_t, 8> bytes{};
        platform.mmio.read(address, std::span(bytes).first(size));
        uint64_t value = 0;
        memcpy(&value, bytes.data(), size);
        return value;
    }
    // What a driver does.
    void msix_control(bool enabled, bool masked = false) {
        function().config_write(
            0x62, (enabled ? PCI_MSIX_FLAGS_ENABLE : 0u) | (masked ? PCI_MSIX_FLAGS_MASKALL : 0u),
            2);
    }
    void program(uint32_t vector, bool masked = false) {
        const uint64_t entry = bar() + 0x2000 + 16 * vector;
        mmio_write(entry, 0xfee00000 + 0x1000 * vector, 8);
        mmio_write(entry + 8, 0x40 + vector);
        mask(vector, masked);
    }
    void mask(uint32_t vector, bool masked) {
        mmio_write(bar() + 0x2000 + 16 * vector + 12, masked);
    }
    uint64_t pending() { return mmio_read(bar() + 0x3000, 8); }
    size_t delivered() {
        platform.interrupts.deliver();
        return platform.interrupts.delivered.size();
    }
    // The line of the device's pin, as what the kernel signals has left it.
    uint32_t gsi() const { return device->intx_line().value(); }
    bool raised() {
        platform.interrupts.deliver_lines();
        return platform.interrupts.raised.contains(gsi());
    }
    void end_interrupt() {
        platform.interrupts.end_interrupt(gsi());
        kernel->serve_unmasks();
        platform.interrupts.deliver_lines();
    }
    // What a driver does for MSI.
    static constexpr uint8_t kMsi = fakes::FakeVfio::kMsi;
    void program_msi(uint32_t log2, bool enabled = true) {
        function().config_write(kMsi + PCI_MSI_ADDRESS_LO, 0xfee01000, 4);
        function().config_write(kMsi + PCI_MSI_ADDRESS_HI, 0, 4);
        function().config_write(kMsi + PCI_MSI_DATA_64, 0x40, 2);
        enable_msi(log2, enabled);
    }
    void enable_msi(uint32_t log2, bool enabled = true) {
        function().config_write(kMsi + PCI_MSI_FLAGS,
                                log2 << 4 | (enabled ? PCI_MSI_FLAGS_ENABLE : 0u), 2);
    }
    void mask_msi(uint32_t bits) { function().config_write(kMsi + PCI_MSI_MASK_64, bits, 4); }
    uint32_t pending_msi() { return function().config_read(kMsi + PCI_MSI_PENDING_64, 4); }
    void enable_interrupts(uint32_t vectors) {
        msix_control(true, true);
        for (uint32_t i = 0; i < vectors; ++i)
            program(i);
        msix_control(true);
    }

    std::shared_ptr<fakes::FakeVfio> kernel;
    fakes::FakePlatform platform;
    DeviceContext context;
    std::vector<void*> ram;
    std::unique_ptr<PciHost> host;
    std::unique_ptr<VfioManager> vfio;
    std::unique_ptr<RootPort> port;
    std::unique_ptr<VfioPci> device;
    std::vector<std::unique_ptr<VfioPci>> others;
};

// What a new process finds after the exec of an old one.
struct Arrival {
    Arrival(const std::vector<uint8_t>& stream, const std::vector<uint8_t>& table)
        : fds(table), restored{state::StreamReader(stream), fds} {}
    state::IncomingFds fds;
    Restored restored;
};

// Saves a world as a checkpoint does, in its order, and lets the process go as exec does: without a
// single destructor.
inline std::unique_ptr<Arrival> exec_away(std::unique_ptr<VfioWorld> old) {
    std::vector<Device*> devices{old->host.get(), old->port.get(), old->device.get()};
    for (const auto& other : old->others)
        devices.push_back(other.get());
    devices.push_back(old->vfio.get());
    for (Device* device : devices)
        device->detach_interrupts();
    state::StreamWriter writer;
    state::OutgoingFds fds;
    for (const Device* device : devices) {
        device->save(writer);
        device->keep(fds);
    }
    old->vfio->check_vaddrs();
    old->vfio->invalidate_vaddrs();
    auto arrival = std::make_unique<Arrival>(writer.finish(), fds.serialize());
    fakes::let_go(std::move(old));
    return arrival;
}

class VfioPciTest : public testing::Test {
  protected:
    void boot() {
        world_ = std::make_unique<VfioWorld>(kernel_);
        world_->start();
    }
    // Everything up to the moment when the new process may run: state, vaddrs, interrupts.
    void update() {
        arrival_ = exec_away(std::move(world_));
        kernel_->calls.clear();
        world_ = std::make_unique<VfioWorld>(kernel_, &arrival_->restored);
        world_->add_device();
        arrival_->restored.state.finish();
        EXPECT_TRUE(arrival_->fds.leftovers().empty());
        world_->vfio->claim_vaddrs();
    }
    void load() {
        update();
        world_->device->attach_interrupts();
        kernel_->serve_unmasks();
    }
    std::string start_error(std::map<std::string, std::string> properties = {}) {
        world_ = std::make_unique<VfioWorld>(kernel_);
        try {
            world_->add_device(std::move(properties));
        } catch (const Error& error) {
            return error.message();
        }
        return "";
    }
    bool has(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }

    std::shared_ptr<fakes::FakeVfio> kernel_ = std::make_shared<fakes::FakeVfio>();
    std::unique_ptr<Arrival> arrival_;
    std::unique_ptr<VfioWorld> world_;
};

}  // namespace cpr::vmm

#endif

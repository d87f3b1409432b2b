// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FAKES_FAKE_VFIO_H
#define CPR_TESTS_FAKES_FAKE_VFIO_H

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm::fakes {

// The kernel's VFIO as far as it can be told from outside: it outlives the VMM's objects, as the
// kernel does. Every call that changes something is recorded in `calls`, and fails if `fail` says
// so. The rules for DMA vaddrs are those of drivers/vfio/vfio_iommu_type1.c.
class FakeVfio final : public VfioApi {
  public:
    struct Mapping {
        uint64_t size;
        void* vaddr;
        bool valid;
    };
    struct Container {
        uint32_t iommu_type = 0;
        std::vector<uint32_t> groups;
        std::map<uint64_t, Mapping> mappings;  // by iova
    };
    // The interrupts of one device.
    struct Irqs {
        int index = -1;  // the one that is enabled
        // By vector: the eventfd, which the kernel holds on its own, or none.
        std::map<uint32_t, UniqueFd> armed;
        // INTx: the pin's level, and what the kernel has done about it.
        bool asserted = false;
        bool masked = false;
        UniqueFd unmask;
    };
    static constexpr const char* kHost = "0000:00:05.0";
    static constexpr uint32_t kDmaEntryLimit = 65535;
    static constexpr uint8_t kMsi = 0xb0;
    static constexpr uint8_t kMsix = 0x60;
    static constexpr uint8_t kExpress = 0x70;

    // Devices with all kinds of interrupts: INTA; 8 vectors of MSI with masks and 64-bit addresses;
    // `vectors` of MSI-X in BAR 0 (16 KiB, 64-bit) with the table at 0x2000 and the pending bits at
    // 0x3000; registers in the first two pages. All have the same registers.
    explicit FakeVfio(uint32_t vectors = 4);

    // Lets the device signal a vector, as its hardware would.
    void signal(uint32_t vector, const std::string& host = kHost);
    // Lets the device assert its pin, or stop that.
    void assert_pin(bool level, const std::string& host = kHost);
    // Does what the kernel does when an unmask eventfd is signalled.
    void serve_unmasks();
    // Sets the number of MSI vectors and the features of the capability.
    void set_msi(uint16_t flags);
    Irqs& irqs(const std::string& host = kHost) { return devices.at(host); }
    // Names of the recorded calls that begin with a text.
    std::vector<std::string> calls_of(const std::string& prefix) const;
    // By any descriptor of it: numbers change hands.
    Container& container(int fd);
    Container& container() { return containers.begin()->second; }

    // Call to errno; a call is named as in `calls`, and matched by its beginning. `fail_after` says
    // how many matching calls succeed before.
    std::map<std::string, int> fail;
    int fail_after = 0;
    std::vector<std::string> calls;
    std::map<uint64_t, Container> containers;  // by inode
    std::map<std::string, Irqs> devices;       // by host, once opened
    std::map<std::string, uint32_t> groups;    // by host; 7 for all others
    std::set<uint32_t> loners;                 // groups that share a container with no other
    uint32_t host_vectors = 2048;              // that the host has for a device
    std::vector<uint8_t> config;               // as the device and the kernel have it
    std::vector<uint8_t> bar;                  // content of BAR 0
    bool update_vaddr = true;
    bool unmap_all = true;
    bool tells_mappings_left = true;
    bool type1v2 = true;
    bool viable = true;
    bool resizable = true;
    bool mappable = true;

    uint32_t group_of(const std::string& host) override;
    UniqueFd open_container() override;
    UniqueFd open_group(uint32_t number) override;
    UniqueFd open_device(int group, const std::string& host) override;
    int api_version(int container) override;
    bool check_extension(int container, uint32_t extension) override;
    void set_iommu(int container, uint32_t type) override;
    void set_container(int group, int container) override;
    bool is_viable(int group) override;
    std::optional<uint32_t> mappings_left(int container) override;
    void map_dma(int container, const VfioDma& dma) override;
    void unmap_dma(int container, uint64_t iova, uint64_t size) override;
    int map_vaddr(int container, const VfioDma& dma) override;
    void unmap_vaddr(int container, uint64_t iova, uint64_t size) override;
    uint64_t unmap_all_vaddrs(int container) override;
    VfioDeviceInfo device_info(int device) override;
    VfioRegion region_info(int device, uint32_t index) override;
    VfioIrqs irq_info(int device, uint32_t index) override;
    uint32_t set_irqs(int device, uint32_t index, uint32_t start,
                      std::span<const int> fds) override;
    void set_unmask(int device, int eventfd) override;
    void disable_irqs(int device, uint32_t index) override;
    void reset_device(int device) override;
    bool read(int device, uint64_t offset, std::span<uint8_t> data) override;
    bool write(int device, uint64_t offset, std::span<const uint8_t> data) override;
    void* map(int device, uint64_t offset, uint64_t size, bool writable) override;
    void unmap(void* address, uint64_t size) override;

  private:
    int record(const std::string& call);
    void record_or_throw(const std::string& call);
    void build_config(uint32_t vectors);
    Irqs& irqs_of(int device);
    void raise(Irqs& irqs);

    uint32_t vectors_;
    std::map<uint64_t, std::string> hosts_;       // by the device's inode
    std::map<uint64_t, uint32_t> group_numbers_;  // by the group's inode
    std::set<void*> mapped_;
};

}  // namespace cpr::vmm::fakes

#endif

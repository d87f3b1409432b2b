// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_VFIO_MANAGER_H
#define CPR_VMM_VFIO_VFIO_MANAGER_H

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vmm/core/device.h"
#include "vmm/vfio/vfio_api.h"
#include "vmm/vfio/vfio_container.h"

namespace cpr::vmm {

// As it was while a guest had one container at most.
struct VfioManagerStateV1 {
    static constexpr std::string_view kKind = "vfio";
    static constexpr uint16_t kVersion = 1;
    std::optional<VfioContainerState> container;
    std::vector<uint32_t> groups;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.container, self.groups);
    }
};

struct VfioManagerState {
    static constexpr std::string_view kKind = "vfio";
    static constexpr uint16_t kVersion = 2;
    struct Container {
        static constexpr bool kFielded = true;
        VfioContainerState state;
        std::vector<uint32_t> groups;

        template <typename Self, typename Archive>
        static void fields(Self& self, Archive& archive) {
            archive(self.state, self.groups);
        }
    };
    std::vector<Container> containers;

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.containers);
    }
    void validate() const;

    using Previous = VfioManagerStateV1;
    static VfioManagerState upgrade(const VfioManagerStateV1& old);
};

// Owns the guest's VFIO groups and the containers that they are in: one, or more if the kernel
// cannot have them all in one, such as behind IOMMUs that differ. Machine makes a manager before
// all devices (they find it in DeviceContext::vfio) but after RAM is in the memory map, and
// destroys it after them. As a participant of checkpoints it comes after all other devices.
class VfioManager final : public StatefulDevice<VfioManagerState> {
  public:
    static constexpr const char* kId = "vfio";

    // A rehearsal has no `api`.
    VfioManager(const DeviceContext& context, std::shared_ptr<VfioApi> api);
    ~VfioManager() override;

    VfioApi& api() { return *api_; }

    // The group of a host device, in a container, known to KVM; opened when first asked for.
    // Throws Error.
    struct Group {
        uint32_t number;
        int fd;  // borrowed
    };
    Group group_of(const std::string& host);
    // At a restore: a group that came from the old binary. Throws Error kCorruptState.
    Group restored_group(uint32_t number) const;

    // For devices that go: see VfioContainer::freeze().
    void freeze();

    // A platform reset changes nothing here: memory stays mapped.
    void reset() override {}

    void find_blockers(std::vector<Blocker>& found) const override;
    void keep(state::OutgoingFds& fds) const override;
    void check_vaddrs() override;
    void invalidate_vaddrs() override;
    void restore_vaddrs() override;
    void claim_vaddrs() override;

  protected:
    VfioManagerState snapshot() const override;

  private:
    struct OpenGroup {
        UniqueFd fd;
        const VfioContainer* container;
    };
    void restore(Restored& restored);
    int open_group(uint32_t number, const std::string& host);
    const VfioContainer& add_to_container(int group, uint32_t number);

    MemoryMap& memory_;
    InterruptController& interrupts_;
    Blockers& blockers_;
    std::shared_ptr<VfioApi> api_;
    std::map<uint32_t, OpenGroup> groups_;
    std::vector<std::unique_ptr<VfioContainer>> containers_;
};

}  // namespace cpr::vmm

#endif

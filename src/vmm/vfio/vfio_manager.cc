// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_manager.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm {
namespace {

constexpr const char* kGroupFdName = "vfio-group";

}  // namespace

void VfioManagerState::validate() const {
    if (container)
        container->validate();
    if (container.has_value() == groups.empty())
        throw Error(ErrorCode::kCorruptState, "there are {} VFIO groups, and {} container",
                    groups.size(), container ? "a" : "no");
}

VfioManager::VfioManager(const DeviceContext& context, std::shared_ptr<VfioApi> api)
    : StatefulDevice(kId, context),
      memory_(context.memory),
      interrupts_(context.interrupts),
      blockers_(context.blockers),
      api_(std::move(api)) {
    if (context.restored)
        restore(*context.restored);
}

VfioManager::~VfioManager() {
    for (const auto& [number, fd] : groups_) {
        try {
            interrupts_.remove_vfio_group(fd.get());
        } catch (const Error& error) {
            log::warning("VFIO group {}: {}", number, error.message());
        }
    }
}

void VfioManager::restore(Restored& restored) {
    if (!state_.container)
        return;
    container_ = std::make_unique<VfioContainer>(
        *api_, memory_, blockers_, 0, restored.fds.take("vfio-container"), *state_.container);
    for (const uint32_t number : state_.groups) {
        UniqueFd fd = restored.fds.take(kGroupFdName, number);
        interrupts_.add_vfio_group(fd.get());
        groups_[number] = std::move(fd);
    }
}

int VfioManager::open_group(uint32_t number, const std::string& host) {
    UniqueFd fd = api_->open_group(number);
    if (!api_->is_viable(fd.get()))
        throw Error(ErrorCode::kInvalidArgument,
                    "IOMMU group {} of host device {} is not viable: bind all devices of the group "
                    "to vfio-pci",
                    number, host);
    if (!container_)
        container_ = std::make_unique<VfioContainer>(*api_, memory_, blockers_, 0);
    container_->attach(fd.get(), number);
    interrupts_.add_vfio_group(fd.get());
    return (groups_[number] = std::move(fd)).get();
}

VfioManager::Group VfioManager::group_of(const std::string& host) {
    const uint32_t number = api_->group_of(host);
    const auto found = groups_.find(number);
    if (found != groups_.end())
        return {number, found->second.get()};
    return {number, open_group(number, host)};
}

VfioManager::Group VfioManager::restored_group(uint32_t number) const {
    const auto found = groups_.find(number);
    if (found == groups_.end())
        throw Error(ErrorCode::kCorruptState, "VFIO group {} is missing", number);
    return {number, found->second.get()};
}

void VfioManager::freeze() {
    if (container_)
        container_->freeze();
}

VfioManagerState VfioManager::snapshot() const {
    VfioManagerState state;
    if (!groups_.empty())
        state.container = container_->state();
    for (const auto& [number, fd] : groups_)
        state.groups.push_back(number);
    return state;
}

void VfioManager::keep(state::OutgoingFds& fds) const {
    if (container_)
        container_->keep(fds);
    for (const auto& [number, fd] : groups_)
        fds.add(kGroupFdName, number, fd.get());
}

void VfioManager::check_vaddrs() {
    if (container_)
        container_->check_vaddrs();
}

void VfioManager::invalidate_vaddrs() {
    if (container_)
        container_->invalidate_vaddrs();
}

void VfioManager::restore_vaddrs() {
    if (container_)
        container_->restore_vaddrs();
}

void VfioManager::claim_vaddrs() {
    if (container_)
        container_->claim_vaddrs();
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/vfio/vfio_manager.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "base/scope_exit.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm {
namespace {

constexpr const char* kGroupFdName = "vfio-group";

}  // namespace

void VfioManagerState::validate() const {
    std::set<uint32_t> seen;
    for (const Container& container : containers) {
        container.state.validate();
        if (container.groups.empty())
            throw Error(ErrorCode::kCorruptState, "a VFIO container has no group");
        for (const uint32_t group : container.groups)
            if (!seen.insert(group).second)
                throw Error(ErrorCode::kCorruptState, "VFIO group {} is there twice", group);
    }
}

VfioManagerState VfioManagerState::upgrade(const VfioManagerStateV1& old) {
    VfioManagerState state;
    if (old.container.has_value() == old.groups.empty())
        throw Error(ErrorCode::kCorruptState,
                    old.container ? Text("there is a VFIO container, and no VFIO group")
                                  : Text("there are {} VFIO groups, and no VFIO container",
                                         old.groups.size()));
    if (old.container)
        state.containers.push_back({*old.container, old.groups});
    state.validate();
    return state;
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
    for (const auto& [number, group] : groups_) {
        try {
            interrupts_.remove_vfio_group(group.fd.get());
        } catch (const Error& error) {
            log::warning("VFIO group {}: {}", number, error.message());
        }
    }
}

void VfioManager::restore(Restored& restored) {
    for (uint32_t index = 0; index < state_.containers.size(); ++index) {
        const VfioManagerState::Container& saved = state_.containers[index];
        UniqueFd container = restored.fds.take(VfioContainer::kFdName, index);
        if (!restored.rehearsal)
            containers_.push_back(std::make_unique<VfioContainer>(
                *api_, memory_, blockers_, index, std::move(container), saved.state));
        for (const uint32_t number : saved.groups) {
            UniqueFd fd = restored.fds.take(kGroupFdName, number);
            interrupts_.add_vfio_group(fd.get());
            groups_[number] = {std::move(fd),
                               containers_.empty() ? nullptr : containers_.back().get()};
        }
    }
}

// A group that is incompatible with the groups of one container gets another.
const VfioContainer& VfioManager::add_to_container(int group, uint32_t number) {
    for (const auto& container : containers_)
        if (container->attach(group, number))
            return *container;
    auto container = std::make_unique<VfioContainer>(*api_, memory_, blockers_,
                                                     static_cast<uint32_t>(containers_.size()));
    container->attach_first(group, number);
    return *containers_.emplace_back(std::move(container));
}

int VfioManager::open_group(uint32_t number, const std::string& host) {
    UniqueFd fd = api_->open_group(number);
    if (!api_->is_viable(fd.get()))
        throw Error(ErrorCode::kInvalidArgument,
                    "IOMMU group {} of host device {} is not viable: bind all devices of the group "
                    "to vfio-pci",
                    number, host);
    const VfioContainer& container = add_to_container(fd.get(), number);
    interrupts_.add_vfio_group(fd.get());
    return (groups_[number] = {std::move(fd), &container}).fd.get();
}

VfioManager::Group VfioManager::group_of(const std::string& host) {
    const uint32_t number = api_->group_of(host);
    const auto found = groups_.find(number);
    if (found != groups_.end())
        return {number, found->second.fd.get()};
    return {number, open_group(number, host)};
}

VfioManager::Group VfioManager::restored_group(uint32_t number) const {
    const auto found = groups_.find(number);
    if (found == groups_.end())
        throw Error(ErrorCode::kCorruptState, "VFIO group {} is missing", number);
    return {number, found->second.fd.get()};
}

void VfioManager::freeze() {
    for (const auto& container : containers_)
        container->freeze();
}

VfioManagerState VfioManager::snapshot() const {
    VfioManagerState state;
    for (const auto& container : containers_) {
        state.containers.push_back({container->state(), {}});
        for (const auto& [number, group] : groups_)
            if (group.container == container.get())
                state.containers.back().groups.push_back(number);
    }
    return state;
}

void VfioManager::find_blockers(std::vector<Blocker>& found) const {
    for (const auto& container : containers_)
        container->find_blockers(found);
}

void VfioManager::keep(state::OutgoingFds& fds) const {
    for (const auto& container : containers_)
        container->keep(fds);
    for (const auto& [number, group] : groups_)
        fds.add(kGroupFdName, number, group.fd.get());
}

void VfioManager::check_vaddrs() {
    for (const auto& container : containers_)
        container->check_vaddrs();
}

void VfioManager::invalidate_vaddrs() {
    ScopeExit undo([this] {
        try {
            restore_vaddrs();
        } catch (const Error&) {
            // Logged; the error that made it necessary is the one to tell.
        }
    });
    for (const auto& container : containers_)
        container->invalidate_vaddrs();
    undo.dismiss();
}

void VfioManager::restore_vaddrs() {
    std::optional<Error> first;
    for (const auto& container : containers_) {
        try {
            container->restore_vaddrs();
        } catch (const Error& error) {
            // Every container that can be saved is.
            if (!first)
                first = error;
        }
    }
    if (first)
        throw *first;
}

void VfioManager::claim_vaddrs() {
    size_t claimed = 0;
    ScopeExit undo([&] {
        for (size_t i = 0; i < claimed; ++i)
            containers_[i]->unclaim_vaddrs();
    });
    for (; claimed < containers_.size(); ++claimed)
        containers_[claimed]->claim_vaddrs();
    undo.dismiss();
}

}  // namespace cpr::vmm

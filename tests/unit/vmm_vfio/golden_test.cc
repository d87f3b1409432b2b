// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/golden.h"

#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"
#include "vmm/vfio/vfio_manager.h"
#include "vmm/vfio/vfio_pci.h"

namespace cpr::vmm {
namespace {

PciFunctionState function_state() {
    PciFunctionState state;
    state.config = {0x36, 0x1b, 0x0c, 0x00, 0x07, 0x04};
    state.mapped[0] = 0xc0000000;
    state.mapped[4] = 0x1000000000;
    state.intx = true;
    return state;
}

TEST(Golden, PciHost) {
    state::expect_golden(PciHostState{.config_address = 0x80001000, .bridge = function_state()});
}

TEST(Golden, RootPort) {
    state::expect_golden(RootPortState{.pci = function_state()});
}

const VfioContainerState kContainer{
    .iommu_type = 3, .dma_map = {{0, 0x20000000, true}, {0xc0000000, 0x2000, false}}};

MsixState msix_state() {
    return {.table = std::vector<uint8_t>(32, 0xee),
            .vectors = {.events = {1, 0}, .armed = 1},
            .enabled = true,
            .masked = false};
}

TEST(Golden, VfioManager) {
    state::expect_golden(
        VfioManagerState{.containers = {{kContainer, {7, 12}}, {kContainer, {3}}}});
}

TEST(Golden, VfioManagerVersion1) {
    VfioManagerStateV1 old;
    old.container = kContainer;
    old.groups = {7, 12};
    state::expect_golden(old);
    const VfioManagerState upgraded = VfioManagerState::upgrade(old);
    ASSERT_EQ(upgraded.containers.size(), 1u);
    EXPECT_EQ(upgraded.containers[0].state.dma_map, kContainer.dma_map);
    EXPECT_EQ(upgraded.containers[0].state.iommu_type, 3u);
    EXPECT_EQ(upgraded.containers[0].groups, old.groups);
}

TEST(Golden, VfioPci) {
    VfioPciState state{
        .host = "0000:00:05.0", .group = 7, .pci = function_state(), .interrupts = {}};
    state.interrupts.msix = msix_state();
    state.interrupts.msi = MsiState{.vectors = {.events = {1, 1, 0, 0}, .armed = 2}};
    state.interrupts.intx = IntxState{.armed = true};
    state::expect_golden(state);
}

TEST(Golden, VfioPciVersion1) {
    const VfioPciStateV1 old{
        .host = "0000:00:05.0", .group = 7, .pci = function_state(), .msix = msix_state()};
    state::expect_golden(old);
    const VfioPciState upgraded = VfioPciState::upgrade(old);
    EXPECT_EQ(upgraded.host, old.host);
    EXPECT_EQ(upgraded.group, old.group);
    EXPECT_EQ(upgraded.pci.config, old.pci.config);
    EXPECT_EQ(upgraded.interrupts.msix->table, old.msix->table);
    EXPECT_EQ(upgraded.interrupts.msix->vectors.armed, 1u);
    EXPECT_FALSE(upgraded.interrupts.msi || upgraded.interrupts.intx);
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
// The content of one state section: kind (its number in the list), version, bytes.
#include "fuzz/fuzz.h"
#include "state/versions.h"
#include "vmm/chardev/factory.h"
#include "vmm/core/guest_clock.h"
#include "vmm/core/interrupt_controller.h"
#include "vmm/core/machine_impl.h"
#include "vmm/core/vcpu_state.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/device/cmos_rtc.h"
#include "vmm/device/pvpanic.h"
#include "vmm/device/reset_control.h"
#include "vmm/device/serial16550.h"
#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"
#include "vmm/vfio/vfio_manager.h"
#include "vmm/vfio/vfio_pci.h"
#include "vmm/vmm.h"

namespace {

using namespace cpr;
using namespace cpr::vmm;

// What is accepted is written in the same way for ever.
template <state::Fielded State>
void read(uint16_t version, std::span<const uint8_t> payload) {
    const auto first = state::read_payload<State>(version, payload);
    const auto bytes = state::write_payload(first);
    const auto second = state::read_payload<State>(state::version_needed(first), bytes);
    fuzz::require(state::write_payload(second) == bytes, "it is read as written");
}

using Read = void (*)(uint16_t version, std::span<const uint8_t> payload);

// New ones at the end: the corpus has their numbers.
constexpr Read kKinds[] = {
    read<MachineState>,     read<VcpuState>,    read<IrqchipState>,  read<GuestClockState>,
    read<AcpiPmState>,      read<CmosRtcState>, read<PvpanicState>,  read<ResetControlState>,
    read<Serial16550State>, read<PciHostState>, read<RootPortState>, read<VfioManagerState>,
    read<VfioPciState>,     read<GuestActions>, read<FdSets::State>, read<ChardevsState>,
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::Input input(data, size);
    const uint8_t kind = input.byte();
    const uint16_t version = input.byte();
    try {
        if (kind < std::size(kKinds))
            kKinds[kind](version, input.rest());
    } catch (const Error&) {
    }
    return 0;
}

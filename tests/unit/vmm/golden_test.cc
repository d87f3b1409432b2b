// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fakes/golden.h"

#include "vmm/core/guest_clock.h"
#include "vmm/core/interrupt_controller.h"
#include "vmm/core/machine_impl.h"
#include "vmm/core/vcpu_state.h"
#include "vmm/device/acpi_pm.h"
#include "vmm/device/cmos_rtc.h"
#include "vmm/device/pvpanic.h"
#include "vmm/device/reset_control.h"
#include "vmm/device/serial16550.h"

namespace cpr::vmm {
namespace {

TEST(Golden, Machine) {
    state::expect_golden(
        MachineState{RunState::kPaused, GuestRequest::kReset, 4, uint64_t{5} << 30});
}

TEST(Golden, Vcpu) {
    VcpuState state;
    kvm_cpuid_entry2 leaf{};
    leaf.function = 0x80000008;
    leaf.index = 1;
    leaf.eax = 0x3030;
    state.cpuid = {{leaf}};
    state.tsc_khz = 2596146;
    state.tsc_offset = 0xfffffffffffff000;
    state.regs.rip = 0xffffffff81000000;
    state.regs.rflags = 0x246;
    state.sregs.cr3 = 0x5000;
    state.sregs.apic_base = 0xfee00d00;
    state.debugregs.dr7 = 0x400;
    state.xcrs.nr_xcrs = 1;
    state.xcrs.xcrs[0].value = 7;
    state.xsave = {0x7f, 0x03, 0, 1};
    state.msrs = {{0x174, 0x10}, {0x6e0, 0x123456789a}};
    state.lapic.regs[0x20] = 3;
    state.events.nmi.masked = 1;
    state.mp_state.mp_state = KVM_MP_STATE_HALTED;
    state::expect_golden(state);
}

TEST(Golden, Irqchip) {
    IrqchipState state;
    for (uint32_t id = 0; id < state.chips.size(); ++id)
        state.chips[id].chip_id = id;
    state.chips[0].chip.pic.imr = 0xfb;
    state.chips[2].chip.ioapic.base_address = 0xfec00000;
    state.chips[2].chip.ioapic.redirtbl[4].bits = 0x24;
    state.pit.channels[0].count = 0x10000;
    state::expect_golden(state);
}

TEST(Golden, GuestClock) {
    state::expect_golden(GuestClockState{123456789, 987654321, true});
}

TEST(Golden, AcpiPm) {
    state::expect_golden(
        AcpiPmState{.status = 0x100, .enable = 0x120, .control = 1, .timer_base_ns = -5});
}

TEST(Golden, CmosRtc) {
    CmosRtcState state;
    state.index = 0x0b;
    state.memory[0x0b] = 2;
    state.offset_seconds = 3600;
    state.last_update_seen = 1700000000;
    state::expect_golden(state);
}

TEST(Golden, Pvpanic) {
    state::expect_golden(PvpanicState{.pending = true});
}

TEST(Golden, ResetControl) {
    state::expect_golden(ResetControlState{.value = 2});
}

TEST(Golden, Serial16550) {
    Serial16550State state;
    state.divisor = 1;
    state.interrupt_enable = 5;
    state.line_control = 3;
    state.modem_control = 0x0b;
    state.scratch = 0x5a;
    state.fifos_enabled = true;
    state.transmitter_interrupt = true;
    state.received = {'h', 'i'};
    state::expect_golden(state);
}

}  // namespace
}  // namespace cpr::vmm

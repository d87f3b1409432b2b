// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/rehearsal.h"

#include "base/io.h"
#include "vmm/chardev/factory.h"
#include "vmm/vmm.h"

namespace cpr::vmm {

// The order is that of Checkpoint::load() and Vmm::build_guest().
void rehearse(const MachineConfig& config) {
    const UniqueFd table(config.cpr_fd.value());
    const UniqueFd copy(config.rehearsal_fd.value());
    auto fds = state::IncomingFds::names_of(
        read_all(table.get(), state::kMaxFdTable, N_("the descriptor table (-cpr fd=)")));
    Restored restored{state::StreamReader(read_all(copy.get(), state::kMaxStream,
                                                   N_("the copy of the state (-cpr rehearse=)"))),
                      fds, true};
    for (const MonitorConfig& monitor : config.monitors)
        Monitor::take(monitor_chardev(config, monitor), fds);
    Checkpoint::take_section(restored.state);
    FdSets().restore(restored);
    EventLoop loop;
    FdSets none;
    Chardevs chardevs = build_chardevs(config, loop, none, &restored);
    rehearse_machine(config, loop, chardevs, restored);
    restored.state.take<GuestActions>(GuestActions::kSection);
    restored.state.finish();
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_COMMANDS_H
#define CPR_VMM_MONITOR_COMMANDS_H

#include "qmp/command_table.h"

namespace cpr::vmm {

class Vmm;

// Every command of cpr-vmm's monitor. `vmm` must outlive the table.
void add_commands(qmp::CommandTable& table, Vmm& vmm);

// Its parts, by subject.
void add_program_commands(qmp::CommandTable& table, Vmm& vmm);
void add_guest_commands(qmp::CommandTable& table, Vmm& vmm);
void add_cpu_commands(qmp::CommandTable& table, Vmm& vmm);
void add_host_commands(qmp::CommandTable& table, Vmm& vmm);
void add_object_commands(qmp::CommandTable& table, Vmm& vmm);
void add_fd_commands(qmp::CommandTable& table, Vmm& vmm);
void add_cpr_commands(qmp::CommandTable& table, Vmm& vmm);

}  // namespace cpr::vmm

#endif

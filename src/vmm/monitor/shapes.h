// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_SHAPES_H
#define CPR_VMM_MONITOR_SHAPES_H

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "vmm/core/machine_config.h"

// Answers in QEMU's shapes that more than one place needs.
namespace cpr::vmm {

constexpr std::string_view kCpuType = "host-x86_64-cpu";
constexpr std::string_view kMachineTypeName = "pc-q35-8.2-machine";

// query-version: the version of QEMU whose protocol this is, with this program's own beside it.
nlohmann::json version_shape(std::string_view version);

// An event with the time of now.
nlohmann::json event_shape(std::string_view name, const nlohmann::json& data);

// Where a vCPU is in the topology, and in the tree of objects.
nlohmann::json cpu_props(const CpuTopology& topology, uint32_t index);
std::string cpu_path(uint32_t index);

}  // namespace cpr::vmm

#endif

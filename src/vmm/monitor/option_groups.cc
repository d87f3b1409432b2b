// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/option_table.h"

namespace cpr::vmm {

std::span<const OptionGroup> option_groups() {
    static const std::vector<OptionGroup> kGroups{
        {"machine",
         {{"type", "string"},
          {"accel", "string"},
          {"memory-backend", "string"},
          {"dump-guest-core", "boolean"},
          {"usb", "boolean"},
          {"acpi", "string"},
          {"hpet", "boolean"}}},
        {"memory", {{"size", "size"}}},
        {"smp-opts",
         {{"cpus", "number"},
          {"sockets", "number"},
          {"dies", "number"},
          {"cores", "number"},
          {"threads", "number"},
          {"maxcpus", "number"}}},
        {"chardev",
         {{"backend", "string"},
          {"path", "string"},
          {"fd", "string"},
          {"server", "boolean"},
          {"wait", "boolean"},
          {"append", "boolean"},
          {"logfile", "string"},
          {"logappend", "boolean"}}},
        {"mon", {{"chardev", "string"}, {"mode", "string"}}},
        {"add-fd", {{"set", "number"}, {"fd", "number"}, {"opaque", "string"}}},
        {"name", {{"guest", "string"}, {"debug-threads", "boolean"}}},
        {"rtc", {{"base", "string"}, {"clock", "string"}}},
        {"boot-opts", {{"strict", "boolean"}}},
        {"sandbox",
         {{"enable", "boolean"},
          {"obsolete", "string"},
          {"elevateprivileges", "string"},
          {"spawn", "string"},
          {"resourcecontrol", "string"}}},
        {"msg", {{"timestamp", "boolean"}}},
    };
    return kGroups;
}

}  // namespace cpr::vmm

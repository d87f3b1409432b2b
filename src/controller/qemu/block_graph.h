// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_BLOCK_GRAPH_H
#define CPR_CONTROLLER_QEMU_BLOCK_GRAPH_H

#include <string>
#include <string_view>
#include <vector>

#include "controller/qemu/argument_model.h"

namespace cpr::controller::qemu {

// The options -blockdev of a command line as a graph of nodes by name. All functions throw Error
// kUnsupported for a node that the command line does not have: it has a name of QEMU's own, or came
// to be in a way that was not followed.

Option& block_node(ArgumentModel& line, const std::string& node);
// The nodes that an option -blockdev refers to, as file, backing and so on.
std::vector<std::string> children_of(const Option& blockdev);
// Empty if it has none.
std::string backing_of(const Option& blockdev);

// Everything that used `from`, devices, machine and nodes, uses `to` from now on; `to` itself keeps
// what it uses.
void replace_users(ArgumentModel& line, const std::string& from, const std::string& to);

// `overlay` is put in front of `node`, which is only read from then on.
void insert_overlay(ArgumentModel& line, const std::string& node, const std::string& overlay);

// What has `top` as backing has `base` instead.
void drop_chain(ArgumentModel& line, const std::string& top, const std::string& base);

// `base` empty: none.
void set_backing(ArgumentModel& line, const std::string& node, const std::string& base);

// The last of a chain of backing nodes.
std::string bottom_of(ArgumentModel& line, const std::string& node);

// QEMU opens nodes in the order of their options: a node goes behind those that it uses.
void order_nodes(ArgumentModel& line);

}  // namespace cpr::controller::qemu

#endif

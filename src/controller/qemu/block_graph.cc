// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/block_graph.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

// The properties of block drivers that name another node.
constexpr std::array<const char*, 8> kChildKeys{"file", "backing", "data-file", "raw",
                                                "test", "target",  "top",       "image"};
constexpr std::array<const char*, 2> kMachineKeys{"pflash0", "pflash1"};

std::set<std::string> names_before(const std::vector<Option*>& nodes, const Option* end) {
    std::set<std::string> names;
    for (const Option* node : nodes) {
        if (node == end)
            break;
        names.insert(node->id());
    }
    return names;
}

// Moves one node behind the last of those that it uses. Returns whether there was one to move.
bool move_one(ArgumentModel& line) {
    const std::vector<Option*> nodes = line.all("blockdev");
    for (Option* node : nodes) {
        const std::set<std::string> before = names_before(nodes, node);
        Option* last = nullptr;
        for (const std::string& child : children_of(*node))
            if (Option* used = line.find("blockdev", child); used && !before.contains(child))
                last = used;
        if (!last || last == node)
            continue;
        line.move_behind(*node, *last);
        return true;
    }
    return false;
}

}  // namespace

Option& block_node(ArgumentModel& line, const std::string& node) {
    if (Option* option = line.find("blockdev", node))
        return *option;
    throw Error(ErrorCode::kUnsupported,
                "the block node '{}' is not one of -blockdev or "
                "blockdev-add",
                node);
}

std::vector<std::string> children_of(const Option& blockdev) {
    std::vector<std::string> children;
    for (const char* key : kChildKeys)
        if (const auto child = blockdev.get(key); child && !child->empty())
            children.push_back(*child);
    return children;
}

std::string backing_of(const Option& blockdev) {
    return blockdev.value("backing");
}

void replace_users(ArgumentModel& line, const std::string& from, const std::string& to) {
    block_node(line, from);
    block_node(line, to);
    for (Option* device : line.all("device"))
        if (device->get("drive") == from)
            device->set("drive", to);
    for (Option* node : line.all("blockdev")) {
        if (node->id() == to)
            continue;
        for (const char* key : kChildKeys)
            if (node->get(key) == from)
                node->set(key, to);
    }
    for (Option* machine : line.all("machine"))
        for (const char* key : kMachineKeys)
            if (machine->get(key) == from)
                machine->set(key, to);
}

void insert_overlay(ArgumentModel& line, const std::string& node, const std::string& overlay) {
    replace_users(line, node, overlay);
    set_backing(line, overlay, node);
    // QEMU does the same: nobody writes to it any more.
    block_node(line, node).set("read-only", true);
}

void drop_chain(ArgumentModel& line, const std::string& top, const std::string& base) {
    block_node(line, top);
    block_node(line, base);
    for (Option* node : line.all("blockdev"))
        if (backing_of(*node) == top)
            node->set("backing", base);
}

void set_backing(ArgumentModel& line, const std::string& node, const std::string& base) {
    Option& option = block_node(line, node);
    if (base.empty()) {
        option.set("backing", nullptr);
        return;
    }
    block_node(line, base);
    option.set("backing", base);
}

std::string bottom_of(ArgumentModel& line, const std::string& node) {
    std::string bottom = node;
    std::set<std::string> seen;
    while (seen.insert(bottom).second) {
        const std::string backing = backing_of(block_node(line, bottom));
        if (backing.empty())
            return bottom;
        bottom = backing;
    }
    throw Error(ErrorCode::kUnsupported, "the block node '{}' is behind itself", node);
}

// A graph with a circle cannot be ordered, and QEMU has none: it would refuse the command line.
void order_nodes(ArgumentModel& line) {
    const size_t count = line.all("blockdev").size();
    for (size_t moves = 0; moves < count * count && move_one(line); ++moves) {
    }
}

}  // namespace cpr::controller::qemu

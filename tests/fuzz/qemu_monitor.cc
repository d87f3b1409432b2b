// SPDX-License-Identifier: LGPL-2.1-or-later
// A conversation of libvirt's with QEMU: a JSON object a line, a command ("execute"), an answer to
// the oldest one ("return", "error"), or an event. A first line that is a list is what QEMU says in
// the end: peripherals, nodes, disks.
#include <deque>
#include <sstream>

#include "controller/qemu/live_comparison.h"
#include "controller/qemu/monitor_follower.h"
#include "fuzz/fuzz.h"

namespace {

using namespace cpr;
using namespace cpr::controller::qemu;
using nlohmann::json;

ArgumentModel start_line() {
    return ArgumentModel::parse(
        {"qemu", "-blockdev", R"({"driver":"file","node-name":"s","filename":"/s"})", "-blockdev",
         "driver=qcow2,node-name=f,file=s", "-device", R"({"driver":"x","id":"d","drive":"f"})",
         "-chardev", "null,id=c", "-add-fd", "set=0,fd=9"});
}

void check_result(const MonitorFollower& follower, const json& live) {
    for (const Blocker& blocker : follower.blockers())
        fuzz::require(!blocker.id.empty() && !blocker.remedy.empty(), "blockers say what to do");
    follower.replays();
    const auto live_descriptors = follower.live_descriptors();
    const auto number_of = [&](Serial serial) {
        fuzz::require(live_descriptors.contains(serial), "descriptors that are used are kept");
        return 100;
    };
    const ArgumentModel line = follower.command_line(number_of);
    const auto argv = line.write();
    fuzz::require(ArgumentModel::parse(argv).write() == argv, "the command line can be read");
    if (live.is_array() && live.size() == 3)
        compare_with_live(line, {live[0], live[1], live[2]});
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::istringstream lines(fuzz::Input(data, size).text());
    try {
        MonitorFollower follower(start_line());
        std::deque<MonitorFollower::Ticket> pending;
        json live;
        for (std::string line; std::getline(lines, line);) {
            const json message = json::parse(line, nullptr, false);
            if (message.is_array())
                live = message;
            if (!message.is_object())
                continue;
            if (message.contains("event")) {
                follower.on_event(message);
            } else if (message.contains("execute")) {
                pending.push_back(follower.on_command(message, message.contains("descriptors")));
            } else if (!pending.empty()) {
                follower.on_answer(pending.front(), message);
                pending.pop_front();
            }
        }
        check_result(follower, live);
    } catch (const Error&) {
        fuzz::require(false, "nothing is thrown");
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_DISPLAY_VNC_RELAY_H
#define CPR_CONTROLLER_DISPLAY_VNC_RELAY_H

#include <cstdint>
#include <list>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/chardev/socket_names.h"
#include "controller/display/viewer.h"
#include "controller/display/vnc_plan.h"

namespace cpr::controller {

// A guest's VNC display. The address stays open over all updates; a viewer is connected to the QEMU
// that has the guest, and disconnected when another one takes it over, which knows nothing of what
// the two have agreed on. What is said is QEMU's and the viewer's business, passwords and TLS
// included. On the event loop's thread.
class VncRelay {
  public:
    VncRelay(EventLoop& loop, VncPlan plan);
    ~VncRelay();
    VncRelay(const VncRelay&) = delete;
    VncRelay& operator=(const VncRelay&) = delete;

    // Whether there is a display here, and this is it as the first QEMU has it.
    bool has(const qemu::Option& option) const {
        return !plan_.listeners.empty() && is_vnc_at(option, plan_.inner_path());
    }
    // Where the next QEMU has to listen.
    std::string next_path() const { return plan_.inner_path(!on_other_path_); }

    // From now on viewers that come wait, and those that are there stay. Before the switch.
    void hold();
    // The next QEMU has the guest: viewers of the one before are disconnected.
    void switch_over();
    // They stay, and those that wait are served.
    void go_on_with_old();

    // Of a viewer that libvirt connects over the monitor: QEMU's end.
    UniqueFd take_viewer(UniqueFd viewer);

    // Puts the real addresses into what QEMU says of its display and viewers: the data of its VNC_
    // events, and the answers of query-vnc and query-vnc-servers.
    void edit_addresses(nlohmann::json& value) const;
    // After VNC_DISCONNECTED with this data, as it came.
    void forget_viewer(const nlohmann::json& data);

  private:
    void listen();
    bool on_viewer(int listener);
    void retry_later();
    void carry(UniqueFd viewer, UniqueFd qemu);
    void drop_ended();
    UniqueFd connect_to_qemu(const std::string& name) const;

    EventLoop& loop_;
    VncPlan plan_;
    // Of the two paths, which QEMUs have by turns.
    bool on_other_path_ = false;
    bool held_ = false;
    uint64_t last_viewer_ = 0;
    // What QEMU calls its display and viewers, and what they are.
    SocketName display_;
    std::map<std::string, SocketName> names_;
    std::list<Viewer> viewers_;
    std::vector<EventSource> watches_;
    EventSource retry_;
    EventSource sweep_;
};

}  // namespace cpr::controller

#endif

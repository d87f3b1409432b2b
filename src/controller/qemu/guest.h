// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_GUEST_H
#define CPR_CONTROLLER_QEMU_GUEST_H

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/chardev/character_devices.h"
#include "controller/display/vnc_relay.h"
#include "controller/monitor_watcher.h"
#include "controller/qemu/dma_claims.h"
#include "controller/qemu/live_comparison.h"
#include "controller/qemu/monitor_follower.h"
#include "controller/qemu/plugged_chardevs.h"
#include "controller/qemu/run_watch.h"
#include "controller/qemu/tap_guard.h"
#include "controller/qemu/version.h"

namespace cpr::controller::qemu {

// A guest on stock QEMU as its controller knows it: the configuration, followed over the monitor,
// and duplicates of all descriptors that came with the command line or later. On the event loop's
// thread.
class Guest final : public MonitorWatcher {
  public:
    // What QEMU was started with.
    struct Beginning {
        Version version;
        // The descriptors that libvirt passed, under their numbers.
        std::vector<UniqueFd> inherited;
        ChardevPlan chardevs;
        VncPlan vnc;
        // It can be updated in its process.
        bool execs = false;
    };

    // Opens the outer ends of its character devices. Throws Error.
    Guest(EventLoop& loop, const std::vector<std::string>& arguments, Beginning beginning);

    Ticket on_command(Message& command) override;
    void on_answer(Ticket ticket, Message& answer) override;
    void on_event(Message& event) override;

    // How character devices that are plugged in come under control; without it they stay QEMU's.
    void set_sender(PluggedChardevs::Send send);

    // The QEMU in that process is under exec_filter(), which stands in for a part of its own
    // filter.
    void set_confined(int pidfd);
    // Of a request of QEMU's under that filter: what the system call returns; nothing if it is to
    // be done.
    std::optional<int> answer(const seccomp_notif& request);
    // The next QEMU is being built: what it does with the queues of tap devices, which are as the
    // guest has them, is answered as done. Up to the load.
    void begin_building() { exec_taps_.shut(); }
    void end_building() { exec_taps_.let_through(); }
    DmaClaims& claims() { return claims_; }

    const Version& version() const { return version_; }
    // Whether the guest can be updated in mode exec, for which it has to be started.
    bool execs() const { return execs_; }
    bool confined() const { return confined_; }
    // Empty if the command line does not say.
    std::string machine_type() const;
    // Why it cannot be updated now, as far as QEMU need not be asked.
    std::vector<Blocker> blockers() const;
    // A command without an answer may still change it.
    bool has_command_under_way() const { return !tickets_.empty(); }
    // Why it cannot be updated in its process, beside that.
    std::vector<Blocker> exec_blockers() const;
    bool has_vfio() const;
    // What QEMU says compared with what its command line would be.
    std::vector<Blocker> compare(const LiveAnswers& live) const;

    // What another QEMU is started with.
    struct Start {
        std::vector<std::string> arguments;
        // Those that it inherits, and of them those that are not kept here.
        std::vector<int> descriptors;
        std::map<std::string, UniqueFd> chardevs;
        std::vector<UniqueFd> vhost;
        // Those of tap devices.
        std::vector<int> taps;
    };
    // To take the guest over from this one: `monitor` is its private monitor, `channel` the path
    // where it listens for the guest's descriptors. Throws Error.
    Start next_start(const std::string& program, int monitor, const std::string& channel);
    // To go on with it when this one is gone. The command line has the numbers that are made of
    // ours.
    Start exec_start(const std::string& program, int monitor,
                     const std::function<std::map<int, int>(const std::vector<int>&)>& numbers);
    // Commands for the next QEMU before the guest runs.
    std::vector<nlohmann::json> replays() const;
    // The ids of its tap devices.
    std::vector<std::string> taps() const;
    // For getfd of the next QEMU; borrowed.
    std::map<std::string, int> named_descriptors() const;

    // Somebody waits for the guest's and its migration's events, up to the next call. What the
    // migration does is then an update's doing.
    void watch(std::shared_ptr<RunWatch> watch) { watch_ = std::move(watch); }
    // As CharacterDevices' and VncRelay's.
    void hold_chardevs();
    void give_chardevs_back();
    // Another QEMU in another process has taken it over, which has this guard of its tap devices if
    // it has any.
    void taken_over(const Version& version, std::unique_ptr<TapGuard> taps);
    // One has that was started by exec_start().
    void gone_on(const Version& version);
    // It has ended: disconnects the users of its character devices and of its display.
    void end();

  private:
    Start start_of(ArgumentModel& line, const std::string& program, int monitor);
    void refuse_unplug(const nlohmann::json& command) const;
    void share_added_memory(nlohmann::json& command);
    void relay_passed_viewer(Message& command);
    nlohmann::json relay_plugged_chardev(nlohmann::json& command);
    void edit_vnc_event(nlohmann::json& event) const;
    void find_display_blockers(const ArgumentModel& line, std::vector<Blocker>& blockers) const;
    int number_of(Serial serial) const;
    UniqueFd descriptor_named(const std::string& name) const;
    void drop_descriptors();

    Version version_;
    std::vector<UniqueFd> inherited_;
    // Nothing if the command line could not be read.
    std::optional<MonitorFollower> follower_;
    Text unreadable_;
    std::map<Serial, UniqueFd> kept_;
    struct UnderWay {
        std::string command;
        // Of what it names so.
        std::string id;
    };
    std::map<Ticket, UnderWay> tickets_;
    std::unique_ptr<CharacterDevices> chardevs_;
    std::optional<PluggedChardevs> plugs_;
    std::unique_ptr<VncRelay> vnc_;
    std::shared_ptr<RunWatch> watch_;
    std::unique_ptr<TapGuard> taps_;
    bool execs_ = false;
    bool has_left_ = false;
    // The passthrough devices that the process which libvirt started had when the guest left it: it
    // has them open to its end.
    std::set<std::string> left_behind_;
    bool confined_ = false;
    DmaClaims claims_;
    TapGuard exec_taps_;
};

}  // namespace cpr::controller::qemu

#endif

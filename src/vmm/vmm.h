// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VMM_H
#define CPR_VMM_VMM_H

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "qmp/command_table.h"
#include "vmm/chardev/fd_sets.h"
#include "vmm/checkpoint/checkpoint.h"
#include "vmm/core/machine.h"
#include "vmm/monitor/monitor.h"
#include "vmm/monitor/options.h"

namespace cpr::vmm {

// What a guest's reset and power-off do: from the command line, then from set-action.
struct GuestActions {
    static constexpr std::string_view kKind = "guest-actions";
    static constexpr uint16_t kVersion = 1;
    static constexpr std::string_view kSection = "guest-actions";
    bool no_reboot = false;
    bool no_shutdown = false;
    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.no_reboot, self.no_shutdown);
    }
};

// The program: event loop, monitors, and the guest with its character devices. Main thread.
class Vmm final : public CheckpointSubject {
  public:
    // States in which commands are legal; a command's mask has bit N for state N.
    enum State : unsigned { kProbe, kIncoming, kGuest, kSaved, kLoaded };
    static constexpr unsigned kAlways = 0x1f;
    static constexpr unsigned kWithGuest = 1U << kGuest | 1U << kLoaded;
    static constexpr unsigned kGuestOrSaved = kWithGuest | 1U << kSaved;

    // Opens the monitors; builds the guest, unless there is none (probe) or it comes from an old
    // binary (-cpr), and starts it unless -S. `version` is this program's. Throws Error.
    Vmm(CommandLine line, std::string version, Confinement confinement = {});
    ~Vmm() override;

    // Until the guest's end or an order to end.
    void run();
    // Ends the program, whatever -no-shutdown says.
    void end(ShutdownCause cause);

    // What the monitor's commands work on.
    const CommandLine& line() const { return line_; }
    const std::string& version() const { return version_; }
    // Throws Error kInvalidState if there is no guest (yet).
    Machine& machine();
    // The guest's state for query-status, as QEMU names it.
    std::string_view status() const;
    // When vCPUs last stopped and ran; empty without a guest.
    std::optional<RunTimes> run_times() const;
    // What `cont` does.
    void resume();
    const GuestActions& actions() const { return actions_; }
    void set_actions(const GuestActions& actions);
    Checkpoint& checkpoint() { return *checkpoint_; }
    FdSets& fd_sets() { return fd_sets_; }
    const Chardevs& chardevs() const { return chardevs_; }
    const std::vector<std::unique_ptr<Monitor>>& monitors() const { return monitors_; }
    const qmp::CommandTable& commands() const { return commands_; }
    // The state sections that a save would write now.
    std::vector<state::SectionInfo> sections() const;
    void emit(std::string_view event, const nlohmann::json& data);
    // The same without data.
    void emit(std::string_view event);

  private:
    // CheckpointSubject
    bool running() const override;
    void pause_vcpus() override;
    void resume_vcpus() override;
    void set_vcpu_threads(bool there) override;
    std::unique_lock<std::mutex> lock_devices() override;
    int64_t first_stopped_ns() const override;
    std::vector<CheckpointParticipant*> participants() override;
    void save(state::StreamWriter& writer) const override;
    void keep(state::OutgoingFds&) const override;
    void flush() override;
    void build(Restored& restored) override;
    void discard() override;

    State state() const;
    void open_monitors(UniqueFd exec_listener);
    void note_exec_right(ExecRight right);
    void build_guest(Restored* restored);
    MachineEvents machine_events();
    void hold_chardevs(bool held);

    CommandLine line_;
    std::string version_;
    GuestActions actions_;
    EventLoop loop_;
    Blockers blockers_;
    Blockers::Registration exec_denied_;
    FdSets fd_sets_;
    Chardevs chardevs_;
    std::unique_ptr<Checkpoint> checkpoint_;
    qmp::CommandTable commands_;
    std::vector<std::unique_ptr<Monitor>> monitors_;
    std::unique_ptr<Machine> machine_;
    UniqueFd signals_;
    EventSource signal_watch_;
};

// The state sections that belong to no device.
std::vector<state::SectionInfo> vmm_sections();

}  // namespace cpr::vmm

#endif

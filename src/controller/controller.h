// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CONTROLLER_H
#define CPR_CONTROLLER_CONTROLLER_H

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "controller/exec_guard.h"
#include "controller/qemu/guest.h"
#include "controller/relay.h"
#include "controller/stray_vmm.h"
#include "controller/update_service.h"
#include "controller/vmm_link.h"

namespace cpr::controller {

// What the emulator program hands to the controller.
struct ControllerOptions {
    // Listens for libvirt.
    UniqueFd listener;
    // Our end of the VMM's private monitor.
    UniqueFd vmm_socket;
    RunningVmm vmm;
    // Group of emulators.conf.
    std::string emulator;
    // If the VMM is stock QEMU.
    std::optional<qemu::Guest::Beginning> qemu = {};
    // Over which the emulator program sends the listener of the VMM's filter, and waits for our
    // process number.
    UniqueFd exec_end = {};
    // The domain's name, and where the host's log is told of its updates.
    std::string domain = {};
    JobLog::Write write_log = {};
};

// The sidecar of one domain. It ends when the VMM ends, and then closes libvirt's connection, which
// tells libvirt of the domain's end. On the event loop's thread.
class Controller {
  public:
    Controller(EventLoop& loop, ControllerOptions options);

    // Runs to the VMM's end.
    void run();

  private:
    void on_greeting(const nlohmann::json& greeting);
    void on_vmm_closed(const std::string& reason);
    bool on_vmm_exit();
    void adopt(std::shared_ptr<const VmmProcess> process);
    UpdateService::Settings make_settings(const ControllerOptions& options);
    void send_own_command(Message command);
    void allow_first_exec(const ControllerOptions& options);
    void begin_end(const std::string& reason);
    void end();
    bool on_termination_signal();

    EventLoop& loop_;
    std::shared_ptr<const VmmProcess> vmm_;
    UniqueFd signal_fd_;
    ExecGuard exec_guard_;
    std::string monitor_path_;
    std::shared_ptr<const VmmProcess> first_;  // libvirt's own child
    std::shared_ptr<const VmmProcess> known_;  // to libvirt, by its number
    std::shared_ptr<qemu::Guest> qemu_;
    std::unique_ptr<StrayVmm> stray_;
    VmmLink link_;
    Relay relay_;
    UpdateService service_;
    bool greeted_ = false;
    bool ending_ = false;
    EventSource exit_watch_;
    EventSource signal_watch_;
    EventSource end_timer_;
};

}  // namespace cpr::controller

#endif

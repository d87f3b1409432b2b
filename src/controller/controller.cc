// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/controller.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "controller/emulator_config.h"
#include "controller/fd_message.h"

namespace cpr::controller {
namespace {

// After the VMM's end: for its last messages, and for a job to see it.
constexpr std::chrono::seconds kEndTime(5);
// For the emulator program to say how it starts the VMM.
constexpr std::chrono::milliseconds kLaunchDeadline(60'000);

UniqueFd make_signal_fd() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd)
        throw errno_error("make a signal descriptor");
    return fd;
}

// libvirt's log daemon keeps a domain's log for as long as anybody has it open, and the next start
// of the domain fails on that.
void leave_log() {
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (null)
        dup2(null.get(), STDERR_FILENO);
}

// Null for a VMM of ours.
std::shared_ptr<qemu::Guest> make_guest(EventLoop& loop, ControllerOptions& options) {
    if (options.qemu)
        options.vmm.qemu =
            std::make_shared<qemu::Guest>(loop, options.vmm.arguments, std::move(*options.qemu));
    return options.vmm.qemu;
}

}  // namespace

Controller::Controller(EventLoop& loop, ControllerOptions options)
    : loop_(loop),
      vmm_(options.vmm.process),
      signal_fd_(make_signal_fd()),
      exec_guard_(loop,
                  [this](const seccomp_notif& request) {
                      return qemu_ ? qemu_->answer(request) : std::nullopt;
                  }),
      monitor_path_(socket_path(options.listener.get())),
      first_(vmm_),
      known_(vmm_),
      qemu_(make_guest(loop, options)),
      link_(loop, std::move(options.vmm_socket),
            {[this](const nlohmann::json& greeting) { on_greeting(greeting); },
             [this](Message event) { relay_.on_event(std::move(event)); },
             [this](const std::string& reason) { on_vmm_closed(reason); },
             [this](UniqueFd listener) {
                 exec_guard_.watch(std::move(listener), static_cast<pid_t>(vmm_->pid));
             }}),
      relay_(loop, std::move(options.listener), link_),
      service_(loop, link_, relay_, make_settings(options)) {
    allow_first_exec(options);
    if (qemu_) {
        relay_.set_watcher(*qemu_);
        qemu_->set_sender([this](Message command) { send_own_command(std::move(command)); });
    }
    adopt(vmm_);
    signal_watch_ = loop_.watch_fd(signal_fd_.get(), G_IO_IN,
                                   [this](GIOCondition) { return on_termination_signal(); });
}

// What comes of it shows in what libvirt's command beside it comes to.
void Controller::send_own_command(Message command) {
    link_.send(std::move(command), [](const Message& answer) {
        if (!answer.body.contains("return"))
            log::warning("QEMU refused a command beside one of libvirt's: {}", answer.body.dump());
    });
}

UpdateService::Settings Controller::make_settings(const ControllerOptions& options) {
    return {options.vmm,
            monitor_path_.substr(0, monitor_path_.rfind('/')),
            [emulator = options.emulator] { return EmulatorConfig().find(emulator).binary; },
            [emulator = options.emulator] { return EmulatorConfig().deadlines(emulator); },
            [this](std::shared_ptr<const VmmProcess> process) { adopt(std::move(process)); },
            {[this](std::shared_ptr<const Binary> binary) { exec_guard_.order(std::move(binary)); },
             [this](std::shared_ptr<const Binary> binary) {
                 exec_guard_.order_by_path(std::move(binary));
             },
             [this](UniqueFd listener, int64_t pid) {
                 exec_guard_.watch(std::move(listener), static_cast<pid_t>(pid));
             }},
            options.domain,
            options.write_log};
}

// Of the VMM, by the emulator program, whose process already is confined as the VMM's is to be.
void Controller::allow_first_exec(const ControllerOptions& options) {
    if (!options.exec_end)
        return;
    FdMessage beginning = receive_message(options.exec_end.get(), kLaunchDeadline);
    if (beginning.fds.size() != 1)
        return;
    exec_guard_.watch(std::move(beginning.fds.front()), static_cast<pid_t>(vmm_->pid));
    exec_guard_.order_by_path(options.vmm.binary);
    qemu_->set_confined(vmm_->pidfd.get());
    send_message(options.exec_end.get(), fmt::format("{}", getpid()));
}

void Controller::adopt(std::shared_ptr<const VmmProcess> process) {
    vmm_ = std::move(process);
    // One that was started under the number of the one that libvirt knew.
    if (vmm_->pid == known_->pid)
        known_ = vmm_;
    // Even that one: libvirt may have seen the former end.
    stray_ =
        vmm_ == first_ ? nullptr : std::make_unique<StrayVmm>(loop_, vmm_, known_, monitor_path_);
    exit_watch_ =
        loop_.watch_fd(vmm_->pidfd.get(), G_IO_IN, [this](GIOCondition) { return on_vmm_exit(); });
}

void Controller::run() {
    loop_.run();
}

void Controller::on_greeting(const nlohmann::json& greeting) {
    if (std::exchange(greeted_, true)) {
        log::warning("the VMM greeted without having been asked to start a new binary");
        return;
    }
    link_.send({{{"execute", "qmp_capabilities"}}, {}}, [this, greeting](const Message& answer) {
        exec_guard_.order(nullptr);
        if (answer.body.contains("return"))
            relay_.start(greeting);
        else
            log::error("the VMM refused qmp_capabilities: {}", answer.body.dump());
    });
}

// While a job keeps the guest it sees to another VMM. What it leaves behind is looked at when it
// has ended.
void Controller::on_vmm_closed(const std::string& reason) {
    if (!service_.keeping()) {
        begin_end(reason);
        return;
    }
    log::warning("the VMM has ended in an update ({})", reason);
    service_.when_idle([this, reason] {
        if (link_.closed())
            begin_end(reason);
    });
}

// The link has the VMM's last messages, and its end of file follows them.
bool Controller::on_vmm_exit() {
    pollfd again{vmm_->pidfd.get(), POLLIN, 0};
    // An exec from another thread than the first may look like an end for a moment.
    if (poll(&again, 1, 0) <= 0)
        return true;
    // libvirt waits until it is no process.
    if (!service_.keeping())
        reap(*vmm_);
    if (!ending_ && !service_.keeping())
        end_timer_ = loop_.after(kEndTime, [this] { end(); });
    return false;
}

void Controller::begin_end(const std::string& reason) {
    if (std::exchange(ending_, true))
        return;
    log::info("the VMM has ended ({})", reason);
    end_timer_ = loop_.after(kEndTime, [this] { end(); });
    service_.when_idle([this] { end(); });
}

void Controller::end() {
    // What stayed for libvirt, since it knows its number, is a shell without a guest.
    if (stray_)
        pidfd_send_signal(known_->pidfd.get(), SIGKILL, nullptr, 0);
    if (qemu_)
        qemu_->end();
    leave_log();
    relay_.close();
    loop_.quit();
}

// Ending alone would end the VMM as well, without a word to the guest.
bool Controller::on_termination_signal() {
    signalfd_siginfo info{};
    while (read(signal_fd_.get(), &info, sizeof(info)) > 0) {
    }
    log::info("passing the signal to terminate on to the VMM");
    pidfd_send_signal(vmm_->pidfd.get(), SIGTERM, nullptr, 0);
    return true;
}

}  // namespace cpr::controller

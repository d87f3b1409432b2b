// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/exec_steps.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "controller/loop_call.h"
#include "controller/qemu/tap_guard.h"
#include "controller/qemu/transfer_steps.h"
#include "controller/shortages.h"
#include "controller/way_back.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

constexpr const char* kPrefix = LIBEXECDIR "/libvirt-cpr/virt-cpr-qemu-exec";

// Another opening of a memory file, which has an offset of its own.
UniqueFd reopen(int fd, int flags) {
    return open_file(fmt::format("/proc/self/fd/{}", fd), flags);
}

}  // namespace

ExecSteps::~ExecSteps() {
    host_.exec.order(nullptr);
}

void ExecSteps::validate() {
    if (!call_on_loop(host_.loop, [this] { return guest().execs(); }))
        throw Error(ErrorCode::kUnsupported,
                    "the domain was not started for updates in mode exec: update in mode transfer, "
                    "or set mode=exec in emulators.conf and start the domain anew");
    validate_guest(UpdateMode::kExec, kFirstExec);
    prefix_ = std::make_shared<const Binary>(open_binary(kPrefix));
}

void ExecSteps::add_blockers() {
    for (const Blocker& blocker :
         call_on_loop(host_.loop, [this] { return guest().exec_blockers(); }))
        add_blocker(blocker);
    find_shortages(vmm_.process->pid, open_files(vmm_.process->pid).count(), record_.blockers);
    check_vfio_memory();
}

// What a QEMU claims of a device's memory is in its own memory.
void ExecSteps::check_vfio_memory() {
    const std::string path = fmt::format("/proc/{}/mem", vmm_.process->pid);
    const bool vfio = call_on_loop(host_.loop, [this] { return guest().has_vfio(); });
    if (!vfio || UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)))
        return;
    add_blocker({kExecDeviceBlocker,
                 Text("a passthrough device could not be brought back if an update in mode exec "
                      "failed: cannot open '{}': {}",
                      path, errno_text(errno)),
                 N_("update in mode transfer, or set kernel.yama.ptrace_scope to 1 or 0")});
}

void ExecSteps::prepare() {
    begin_preparation();
    note_threads();
    limits_ = limits_of(vmm_.process->pid);
    state_ = make_memfd("qemu-state");
    files_ = open_files(vmm_.process->pid);
    next_qemu_ = make_successor(next_->path);
    handover_.emplace(host_.folder + "/exec");
    source_.emplace(host_.vmm, host_.deadlines.query);
    source_->prepare_exec({prefix_->path, host_.folder + "/exec"});
}

ExecSteps::Successor ExecSteps::make_successor(const std::string& program) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    Successor made{{}, {}, UniqueFd(ends[1]), UniqueFd(ends[0])};
    const auto number = [&](const std::vector<int>& descriptors) {
        const std::map<int, int> numbers = number_beside(files_, descriptors);
        made.placed.assign(numbers.begin(), numbers.end());
        return numbers;
    };
    made.start = call_on_loop(
        host_.loop, [&] { return guest().exec_start(program, made.theirs.get(), number); });
    return made;
}

// QEMU runs the guest on by itself if it has not got so far as to execute anything.
void ExecSteps::undo_prepare() {
    host_.exec.order(nullptr);
    if (!source_ || executed_)
        return;
    call_on_loop(host_.loop, [this] { guest().give_chardevs_back(); });
    source_->take_back(was_running_, host_.deadlines.load);
    note_pause();
}

void ExecSteps::note_pause() {
    const RunWatch::Seen seen = watch_->seen();
    if (record_.pause.stopped == 0)
        record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.running = seen.resumed_ns > record_.pause.stopped ? seen.resumed_ns : 0;
}

void ExecSteps::save() {
    begin_stop();
    call_on_loop(host_.loop, [this] { guest().hold_chardevs(); });
    host_.exec.order_by_path(prefix_);
    begin_save();
    const auto seen = watch_->wait(
        N_("the end of the save"), [](const RunWatch::Seen& now) { return is_over(now.migration); },
        within(host_.deadlines.save), [this] { look_for_end(); });
    record_.pause.stopped = was_running_ ? seen.stopped_ns : 0;
    record_.pause.saved = was_running_ ? monotonic_ns() : 0;
    if (seen.migration != "completed")
        throw Error(ErrorCode::kInternal, "QEMU cannot save the guest: {}", why_not_saved());
    if (was_running_)
        expect_pause(record_.pause.saved - record_.pause.stopped);
}

// Without an answer it may have begun.
void ExecSteps::begin_save() {
    saving_ = true;
    try {
        source_->begin_exec(reopen(state_.get(), O_WRONLY).get());
    } catch (const Error& error) {
        saving_ = is_lost(error);
        throw;
    }
}

std::string ExecSteps::why_not_saved() {
    const json why = host_.vmm.call("query-migrate", json::object(), host_.deadlines.query);
    return why.value("error-desc", why.value("status", ""));
}

void ExecSteps::look_for_end() const {
    if (has_ended(*vmm_.process))
        throw Error(ErrorCode::kVmmGone, "QEMU has ended");
}

void ExecSteps::exec() {
    handover_->accept(*vmm_.process, within(host_.deadlines.exec), [this] {
        look_for_end();
        if (watch_->seen().migration == "failed")
            throw Error(ErrorCode::kExecFailed, "QEMU cannot execute '{}': {}", prefix_->path,
                        why_not_saved());
    });
    take_guest(within(host_.deadlines.query));
    check_numbers();
    run_in_place(next_);
    record_.pause.executed = was_running_ ? monotonic_ns() : 0;
}

// The program becomes the one that next_qemu_ is the command line for.
void ExecSteps::run_in_place(const std::shared_ptr<const Binary>& program) {
    prepare_queues(next_qemu_->start);
    call_on_loop(host_.loop, [this] { guest().claims().forget(); });
    host_.exec.order(program);
    NextProgram next{*program, next_qemu_->start.arguments, {}, next_qemu_->placed};
    for (const auto& [number, fd] : kept_.fds)
        next.keep.push_back(number);
    replaced_ = true;
    handover_->run(next);
    UniqueFd monitor = std::move(next_qemu_->monitor);
    // Its end would not show while we have what it has.
    next_qemu_.reset();
    greet(std::move(monitor), going_back_ ? host_.deadlines.exec : within(host_.deadlines.exec));
}

// All of it is here when this returns: QEMU may end from now on.
void ExecSteps::take_guest(std::chrono::milliseconds deadline) {
    kept_ = handover_->receive(deadline);
    std::erase_if(kept_.fds,
                  [this](const auto& entry) { return files_.inherited.contains(entry.first); });
    for (const auto& [number, fd] : kept_.fds)
        files_.closing.insert(number);
    executed_ = true;
    host_.set_keeping(true);
}

// What QEMU has opened since its files were looked at has got numbers without regard to ours.
void ExecSteps::check_numbers() const {
    for (const auto& [ours, theirs] : next_qemu_->placed)
        if (kept_.fds.contains(theirs))
            throw Error(ErrorCode::kInternal, "QEMU has taken the descriptor {} meanwhile", theirs);
}

// Whose changes of queues nobody is asked about takes them for attached, and loses what waits in
// those that it then detaches.
void ExecSteps::prepare_queues(const Guest::Start& start) const {
    const bool asked = call_on_loop(host_.loop, [this] {
        guest().begin_building();
        return guest().confined();
    });
    if (asked)
        return;
    for (const int tap : start.taps)
        if (!attach_queue(tap))
            log::warning("a queue of a tap device cannot be attached: {}", strerror(errno));
}

void ExecSteps::watch_anew() {
    watch_ = std::make_shared<RunWatch>();
    call_on_loop(host_.loop, [this] { guest().watch(watch_); });
}

void ExecSteps::greet(UniqueFd monitor, std::chrono::milliseconds deadline) {
    watch_anew();
    try {
        host_.vmm.restart(std::move(monitor), deadline);
    } catch (const Error& error) {
        const std::string complaint = handover_->complaint();
        throw Error(ErrorCode::kExecFailed, "QEMU does not start: {}",
                    complaint.empty() ? error.text() : Text::verbatim(complaint));
    }
    host_.vmm.call("qmp_capabilities", json::object(), host_.deadlines.query);
    host_.exec.order(nullptr);
}

void ExecSteps::load() {
    load_state(within(host_.deadlines.load));
    place_threads(host_.vmm, *vmm_.process);
    record_.pause.loaded = was_running_ ? monotonic_ns() : 0;
}

void ExecSteps::load_state(std::chrono::milliseconds deadline) {
    call_on_loop(host_.loop, [this] { guest().end_building(); });
    set_exec_capabilities(host_.vmm, host_.deadlines.query);
    give_named_descriptors(host_.vmm);
    const json set = host_.vmm
                         .call("add-fd", json::object(), host_.deadlines.query,
                               reopen(state_.get(), O_RDONLY).get())
                         .at("fdset-id");
    host_.vmm.call(
        "migrate-incoming",
        {{"uri", fmt::format("file:/dev/fdset/{}", set.dump())}, {"exit-on-error", false}},
        deadline);
    const auto seen = watch_->wait(
        "the end of the load", [](const RunWatch::Seen& now) { return is_over(now.migration); },
        deadline,
        [this] {
            look_for_end();
            if (!going_back_)
                check_wanted();
        });
    if (seen.migration != "completed")
        throw Error(ErrorCode::kExecFailed, "the guest cannot be loaded: {}", why_not_saved());
    host_.vmm.call("remove-fd", {{"fdset-id", set}}, host_.deadlines.query);
    give_settings(host_.vmm, host_.deadlines.query, settings_beside(sets_as_for_exec));
}

void ExecSteps::resume() {
    if (was_running_)
        run_guest(within(host_.deadlines.resume));
    resumed_ = was_running_;
    record_.pause.running = watch_->seen().resumed_ns;
}

void ExecSteps::run_guest(std::chrono::milliseconds deadline) {
    host_.vmm.call("cont", json::object(), deadline);
    watch_->wait(
        "the guest's entry", [](const RunWatch::Seen& now) { return now.resumed_ns != 0; },
        deadline, [this] { look_for_end(); });
}

void ExecSteps::finish() {
    resumed_ = true;
    call_on_loop(host_.loop, [this] { guest().gone_on(next_version_); });
    vmm_.binary = next_;
    ++record_.generation;
}

std::unique_ptr<UpdateSteps> make_qemu_steps(UpdateHost& host, RunningVmm vmm, JobRecord& record) {
    const bool execs = call_on_loop(host.loop, [&] { return vmm.qemu->execs(); });
    if (record.mode == UpdateMode::kExec || (record.mode == UpdateMode::kAuto && execs))
        return std::make_unique<ExecSteps>(host, std::move(vmm), record);
    return std::make_unique<TransferSteps>(host, std::move(vmm), record);
}

}  // namespace cpr::controller::qemu

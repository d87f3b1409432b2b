// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "controller/qemu/restore_file.h"
#include "controller/qemu/start_edits.h"
#include "controller/qemu/start_plan.h"
#include "controller/qemu/transfer_checks.h"
#include "controller/qemu/vhost.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// Under which libvirt passes a viewer's connection.
constexpr const char* kPassedViewer = "graphicsfd";

int never(Serial) {
    return -1;
}

}  // namespace

Guest::Guest(EventLoop& loop, const std::vector<std::string>& arguments, Beginning beginning)
    : version_(beginning.version),
      inherited_(std::move(beginning.inherited)),
      execs_(beginning.execs),
      exec_taps_(loop) {
    exec_taps_.let_through();
    try {
        follower_.emplace(ArgumentModel::parse(arguments));
    } catch (const Error& error) {
        unreadable_ = error.text();
    }
    chardevs_ = std::make_unique<CharacterDevices>(loop, std::move(beginning.chardevs));
    plugs_.emplace(*chardevs_);
    if (!beginning.vnc.listeners.empty())
        vnc_ = std::make_unique<VncRelay>(loop, std::move(beginning.vnc));
}

void Guest::set_sender(PluggedChardevs::Send send) {
    plugs_.value().set_sender(std::move(send));
}

void Guest::set_confined(int pidfd) {
    confined_ = true;
    exec_taps_.follow(pidfd);
}

std::optional<int> Guest::answer(const seccomp_notif& request) {
    if (const auto result = exec_taps_.answer(request))
        return result;
    claims_.note(request);
    return std::nullopt;
}

Guest::Ticket Guest::on_command(Message& command) {
    if (!follower_)
        return 0;
    refuse_unplug(command.body);
    share_added_memory(command.body);
    use_restore_file(command.body, follower_->command_line(never));
    relay_passed_viewer(command);
    const json known = relay_plugged_chardev(command.body);
    const Ticket ticket = follower_->on_command(known, command.fds.size());
    for (size_t i = 0; i < command.fds.size(); ++i)
        kept_.emplace(follower_->last_serials().at(i), dup_fd(command.fds[i].get()));
    tickets_.emplace(ticket, UnderWay{text_of(known, "execute"),
                                      text_of(known.value("arguments", json()), "id")});
    return ticket;
}

// libvirt would wait for ever for the kernel to let it have the device back.
void Guest::refuse_unplug(const json& command) const {
    const std::string id = text_of(command.value("arguments", json()), "id");
    if (text_of(command, "execute") == "device_del" && left_behind_.contains(id))
        throw Error(ErrorCode::kUnsupported,
                    "the passthrough device '{}' cannot be detached: the process that the guest "
                    "has left in an update has it open as well, until the domain ends",
                    id);
}

// Returns what the follower is to be told.
json Guest::relay_plugged_chardev(json& command) {
    const std::string id = text_of(command.value("arguments", json()), "id");
    // QEMU refuses a second one with the same id, which must not touch the first.
    if (text_of(command, "execute") != "chardev-add" || !plugs_ || plugs_->plugging(id) ||
        follower_->command_line(never).find("chardev", id))
        return command;
    const auto plug =
        plugs_->plug(command, [this](const std::string& name) { return descriptor_named(name); });
    if (!plug)
        return command;
    if (!plug->taken_name.empty())
        follower_->on_answer(follower_->on_command({{"execute", "closefd"},
                                                    {"arguments", {{"fdname", plug->taken_name}}}}),
                             {{"return", json::object()}});
    return plug->as_option;
}

// One that cannot be shared is passed on as it is, and found by blockers().
void Guest::share_added_memory(json& command) {
    const auto arguments = command.find("arguments");
    if (command.value("execute", json()) != "object-add" || arguments == command.end() ||
        !arguments->is_object())
        return;
    Object changed = to_object(*arguments);
    if (!qemu::share_added_memory(changed, start_facts(ArgumentModel(), version_)))
        *arguments = json::parse(changed.dump());
}

// A viewer that libvirt connects (virDomainOpenGraphics) would else stay with the QEMU that the
// guest has left.
void Guest::relay_passed_viewer(Message& command) {
    const auto arguments = command.body.find("arguments");
    if (vnc_ && command.body.value("execute", json()) == "getfd" && command.fds.size() == 1 &&
        arguments != command.body.end() && text_of(*arguments, "fdname") == kPassedViewer)
        command.fds.front() = vnc_->take_viewer(std::move(command.fds.front()));
}

void Guest::on_answer(Ticket ticket, Message& answer) {
    const auto node = tickets_.extract(ticket);
    if (!node)
        return;
    const auto& [command, id] = node.mapped();
    if (command == "query-chardev" && chardevs_)
        chardevs_->edit_query_chardev(answer.body);
    if (plugs_)
        plugs_->on_answer(command, id, answer.body);
    if (vnc_ && command.starts_with("query-vnc") && answer.body.contains("return"))
        vnc_->edit_addresses(answer.body["return"]);
    follower_->on_answer(ticket, answer.body);
    drop_descriptors();
}

void Guest::drop_descriptors() {
    if (!tickets_.empty())
        return;
    const std::set<Serial> live = follower_->live_descriptors();
    std::erase_if(kept_, [&](const auto& entry) { return !live.contains(entry.first); });
}

void Guest::on_event(Message& event) {
    edit_vnc_event(event.body);
    if (watch_)
        watch_->on_event(event.body);
    if (follower_ && !(watch_ && event.body.value("event", json()) == "MIGRATION"))
        follower_->on_event(event.body);
}

void Guest::edit_vnc_event(json& event) const {
    const std::string name = text_of(event, "event");
    if (!vnc_ || !name.starts_with("VNC_") || !event.contains("data"))
        return;
    const json data = event["data"];
    vnc_->edit_addresses(event["data"]);
    if (name == "VNC_DISCONNECTED")
        vnc_->forget_viewer(data);
}

std::string Guest::machine_type() const {
    return follower_ ? follower_->command_line(never).machine_property("type") : "";
}

std::vector<Blocker> Guest::blockers() const {
    if (!follower_)
        return {unreadable_command_line(unreadable_)};
    std::vector<Blocker> all = follower_->blockers();
    ArgumentModel line = follower_->command_line(never);
    for (const auto& more :
         {share_memory(line, start_facts(line, version_)), check_transfer(line, version_)})
        all.insert(all.end(), more.begin(), more.end());
    if (const auto problem = has_passed_vhost(line) ? vhost_problem() : std::nullopt)
        all.push_back({kVhostBlocker,
                       Text("a network is worked on by vhost, and the next QEMU needs a "
                            "descriptor of its own: {}",
                            *problem),
                       Text("allow '{}' (cgroup_device_acl in libvirt's qemu.conf), or use "
                            "<driver name='qemu'/> in the <interface>, and start the domain "
                            "anew",
                            kVhostNet)});
    const auto relayed = [this](const Option& chardev) {
        return chardevs_ && chardevs_->has(chardev.id());
    };
    for (const NotKeptDevice& device : find_not_kept(line, relayed))
        all.push_back(
            {kCharacterDeviceBlocker,
             Text("character device '{}' cannot be carried over: {}", device.id, device.reason),
             N_("detach it, or use a pty or a unix socket for it")});
    find_display_blockers(line, all);
    return all;
}

void Guest::find_display_blockers(const ArgumentModel& line, std::vector<Blocker>& blockers) const {
    for (const Option* display : line.all("vnc")) {
        if (vnc_ && vnc_->has(*display))
            continue;
        if (const Text reason = reason_against_vnc(*display); !reason.empty())
            blockers.push_back(
                {kDisplayBlocker,
                 Text("the display ({}) cannot be carried over: {}", display->describe(), reason),
                 N_("remove that from <graphics>, or the <graphics>, and start the domain anew")});
    }
}

std::vector<Blocker> Guest::compare(const LiveAnswers& live) const {
    std::vector<Blocker> found = compare_with_live(follower_.value().command_line(never), live);
    const std::vector<Blocker> known = follower_.value().blockers();
    // A job's disks are as it has them, and a remedy for that would be misleading.
    if (std::ranges::find(known, kJobBlocker, &Blocker::id) != known.end())
        std::erase_if(found,
                      [](const Blocker& blocker) { return blocker.id == kStateDiffersBlocker; });
    return found;
}

std::vector<Blocker> Guest::exec_blockers() const {
    const ArgumentModel line = follower_.value().command_line(never);
    std::vector<Blocker> found = check_exec(line, version_, confined_);
    // Blockers of those that can be changed are among the others; QEMU has been started without.
    ArgumentModel shared = line;
    if (share_memory(shared, start_facts(shared, version_)).empty() &&
        shared.write() != line.write())
        found.push_back(
            {kMemoryBlocker,
             N_("not all of the guest's memory is shared, and what is not would be lost"),
             kRestartRemedy});
    return found;
}

bool Guest::has_vfio() const {
    return uses_vfio(follower_.value().command_line(never));
}

int Guest::number_of(Serial serial) const {
    const auto found = kept_.find(serial);
    if (found == kept_.end())
        throw Error(ErrorCode::kInternal, "a descriptor that came over the monitor was not kept");
    return found->second.get();
}

// A duplicate; empty if none came by that name.
UniqueFd Guest::descriptor_named(const std::string& name) const {
    const auto& named = follower_.value().named_descriptors();
    const auto found = named.find(name);
    return found == named.end() ? UniqueFd() : dup_fd(number_of(found->second));
}

Guest::Start Guest::start_of(ArgumentModel& line, const std::string& program, int monitor) {
    line.set_program(program);
    set_private_monitor(line, monitor);
    Start start{{}, fd_numbers(inherited_), chardevs_->make_next(), {}, {}};
    set_qemu_ends(line, start.chardevs);
    for (Option* display : line.all("vnc"))
        if (vnc_ && vnc_->has(*display))
            set_vnc_path(*display, vnc_->next_path());
    start.vhost = reopen_vhost(line);
    for (const UniqueFd& fd : start.vhost)
        start.descriptors.push_back(fd.get());
    for (const auto& [id, fd] : start.chardevs)
        start.descriptors.push_back(fd.get());
    for (const auto& [serial, fd] : kept_)
        start.descriptors.push_back(fd.get());
    start.descriptors.push_back(monitor);
    start.taps = tap_descriptors(line);
    return start;
}

// In another process, QEMU's own filter can deny what libvirt wants it to.
Guest::Start Guest::next_start(const std::string& program, int monitor,
                               const std::string& channel) {
    ArgumentModel line =
        follower_.value().command_line([this](Serial serial) { return number_of(serial); });
    Start start = start_of(line, program, monitor);
    if (confined_)
        deny_spawn(line);
    set_incoming(line, CprChannel{channel});
    start.arguments = line.write();
    return start;
}

Guest::Start Guest::exec_start(
    const std::string& program, int monitor,
    const std::function<std::map<int, int>(const std::vector<int>&)>& numbers) {
    ArgumentModel line =
        follower_.value().command_line([this](Serial serial) { return number_of(serial); });
    Start start = start_of(line, program, monitor);
    set_incoming(line);
    renumber(line, numbers(start.descriptors));
    start.arguments = line.write();
    return start;
}

std::vector<std::string> Guest::taps() const {
    return tap_devices(follower_.value().command_line(never));
}

void Guest::hold_chardevs() {
    if (chardevs_)
        chardevs_->hold();
    if (vnc_)
        vnc_->hold();
}

void Guest::give_chardevs_back() {
    if (chardevs_)
        chardevs_->go_on_with_old();
    if (vnc_)
        vnc_->go_on_with_old();
}

void Guest::taken_over(const Version& version, std::unique_ptr<TapGuard> taps) {
    taps_ = std::move(taps);
    execs_ = false;
    // Those between the first and this one end, with all that they have open.
    if (!std::exchange(has_left_, true))
        left_behind_ = vfio_devices(follower_.value().command_line(never));
    gone_on(version);
}

void Guest::gone_on(const Version& version) {
    version_ = version;
    if (chardevs_)
        chardevs_->switch_over();
    if (vnc_)
        vnc_->switch_over();
}

void Guest::end() {
    plugs_.reset();
    chardevs_.reset();
    vnc_.reset();
}

std::vector<json> Guest::replays() const {
    return follower_.value().replays();
}

std::map<std::string, int> Guest::named_descriptors() const {
    std::map<std::string, int> named;
    for (const auto& [name, serial] : follower_.value().named_descriptors())
        named.emplace(name, number_of(serial));
    return named;
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_UPDATE_FIXTURE_H
#define CPR_TESTS_CONTROLLER_UPDATE_FIXTURE_H

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "base/io.h"
#include "base/monotonic.h"
#include "controller/update_service.h"
#include "state/entry_gate.h"
#include "unit/controller/support.h"

namespace cpr::controller {

using nlohmann::json;
using Names = std::vector<std::string>;

// Whole updates, from libvirt's end of the monitor, against a VMM that follows docs/protocol.md.
class UpdateTest : public LoopTest {
  protected:
    void SetUp() override { set_up("old"); }

    void set_up(const std::string& old) {
        folder_.program(old);
        folder_.program("new");
        process_ = start_vmm_process();
        auto [ours, theirs] = socket_pair();
        vmm_ = std::make_unique<FakeVmm>(loop_, std::move(theirs));
        link_ = std::make_unique<VmmLink>(
            loop_, std::move(ours),
            VmmLink::Handlers{[this](const json& greeting) { relay_->start(greeting); },
                              [this](Message event) { relay_->on_event(std::move(event)); },
                              [](const std::string&) {}});
        relay_ = std::make_unique<Relay>(loop_, listen_at(folder_.path("m.sock")), *link_);
        auto binary = std::make_shared<const Binary>(open_binary(folder_.path(old)));
        service_ = std::make_unique<UpdateService>(
            loop_, *link_, *relay_,
            UpdateService::Settings{
                {process_, binary, {folder_.path(old), "-S"}},
                folder_.path(""),
                [this] { return configured_; },
                [this] {
                    if (deadlines_error_)
                        throw *deadlines_error_;
                    return deadlines_;
                },
                [this](std::shared_ptr<const VmmProcess> process) { process_ = process; },
                {},
                "guest",
                [this](const SystemLogEntry& entry) { log_.push_back(entry.text); }});
        script_vmm();
        vmm_->greet();
        client_ = std::make_unique<FakeClient>(loop_, connect_to(folder_.path("m.sock")));
        client_->command("qmp_capabilities", "caps");
        run_until([&] { return client_->answer("caps").has_value(); });
    }

    virtual std::shared_ptr<const VmmProcess> start_vmm_process() { return start_bystander(); }

    void TearDown() override {
        vmm_->die();
        bool idle = false;
        service_->when_idle([&] { idle = true; });
        run_until([&] { return idle; });
        kill_process(*process_, std::chrono::seconds(5));
    }

    // The gate, alone: whoever takes more takes nothing.
    std::optional<json> send_descriptors(const json& command) {
        std::vector<int> fds;
        json list = json::array();
        if (command["arguments"]["first"] == 0) {
            fds = {gate_fd_.get(), vmm_->fd(), interrupt_.get()};
            list = {{{"name", "entry-gate"}, {"index", 0}, {"kind", "memfd"}},
                    {{"name", "monitor-charmonitor"}, {"index", 0}, {"kind", "socket"}},
                    {{"name", "irq"}, {"index", 0}, {"kind", "[eventfd]"}}};
        }
        vmm_->send({{"return", list}, {"id", command["id"]}}, fds);
        return std::nullopt;
    }
    std::optional<json> send_copy(const json& command, int64_t pause_ns = 1234) {
        const UniqueFd state = make_memfd("state");
        write_all(state.get(), {reinterpret_cast<const uint8_t*>("state"), 5}, "it");
        const UniqueFd table = make_memfd("table");
        write_all(table.get(), {reinterpret_cast<const uint8_t*>("table"), 5}, "it");
        vmm_->send(
            {{"return", {{"pause-ns", pause_ns}, {"state-bytes", 5}}}, {"id", command["id"]}},
            {state.get(), table.get()});
        return std::nullopt;
    }
    bool enter_guest() { return state::EntryGate(gate_fd_.get()).enter(); }
    bool entered() const { return state::EntryGate(gate_fd_.get()).entered(); }
    // How often the kept interrupt was signalled.
    uint64_t rings() const {
        eventfd_t count = 0;
        return eventfd_read(interrupt_.get(), &count) == 0 ? count : 0;
    }

    void script_vmm() {
        vmm_->on("query-cpr", [this](const json&) {
            return json{
                {"return",
                 {{"version", "0.1.0"},
                  {"state", state_},
                  {"was-running", running_before_},
                  {"blockers", blockers_},
                  {"descriptors", descriptors_},
                  {"sections", {{{"kind", "serial16550"}, {"version", section_version_}}}},
                  {"timeline", {{"vcpus-stopped-ns", stopped_}, {"vcpus-running-ns", running_}}}}}};
        });
        vmm_->on("query-status", [this](const json&) {
            const bool runs = running_before_ && state_ == "none" && !left_stopped_;
            return json{{"return", {{"status", runs ? "running" : "paused"}, {"running", runs}}}};
        });
        vmm_->returns("query-cpus-fast", json::array());
        vmm_->returns("query-iothreads", json::array());
        vmm_->returns("getfd", json::object());
        vmm_->returns("closefd", json::object());
        vmm_->returns("cpr-finish", json::object());
        vmm_->on("cpr-save", [this](const json&) {
            state_ = "saved";
            stopped_ = monotonic_ns();
            gate_fd_ = state::EntryGate::create();
            vmm_->event("STOP");
            return json{{"return",
                         {{"was-running", running_before_},
                          {"state-bytes", 4711},
                          {"sections", {{{"kind", "serial16550"}, {"version", saved_version_}}}},
                          {"timeline", {{"vcpus-stopped-ns", stopped_}}}}}};
        });
        vmm_->on("cpr-rehearse", [this](const json& command) { return send_copy(command); });
        vmm_->on("cpr-descriptors",
                 [this](const json& command) { return send_descriptors(command); });
        vmm_->on("cpr-exec", [this](const json&) {
            state_ = "incoming";
            vmm_->greet("9.9.9");
            return std::nullopt;
        });
        vmm_->on("cpr-load", [this](const json&) {
            state_ = "none";
            left_stopped_ = true;
            return json{{"return", {{"was-running", running_before_}}}};
        });
        const auto go_on = [this](const json&) {
            state_ = "none";
            left_stopped_ = false;
            running_ = monotonic_ns();
            vmm_->event("RESUME");
            return json{{"return", json::object()}};
        };
        vmm_->on("cont", [this, go_on](const json& command) {
            enter_guest();
            return go_on(command);
        });
        vmm_->on("cpr-cancel", go_on);
    }

    json ask(const std::string& command, json arguments = json::object()) {
        const json id = ++asked_;
        client_->command(command, id, std::move(arguments));
        run_until([&] { return client_->answer(id).has_value(); });
        return client_->answer(id).value_or(json::object());
    }
    void start(json arguments = json::object()) {
        client_->messages.clear();
        const json answer = ask("update-in-place", std::move(arguments));
        EXPECT_TRUE(answer.contains("return")) << answer;
    }
    // The last job's document, after its end.
    json result() {
        run_until([&] { return final_event().has_value(); });
        json document = ask("query-update-in-place")["return"];
        EXPECT_EQ(document, final_event().value_or(json()));
        return document;
    }
    std::optional<json> final_event() const {
        for (const json& message : client_->messages)
            if (message.value("event", "") == "UPDATE_IN_PLACE" &&
                message["data"]["status"] != "running")
                return message["data"];
        return std::nullopt;
    }
    std::vector<std::string> phases_of_events() const {
        std::vector<std::string> phases;
        for (const json& message : client_->messages)
            if (message.value("event", "") == "UPDATE_IN_PLACE" &&
                message["data"]["status"] == "running")
                phases.push_back(message["data"]["phase"]);
        return phases;
    }
    bool logged(const std::string& phase) const {
        return std::ranges::any_of(log_, [&](const std::string& line) {
            return line.find("phase " + phase + " took") != std::string::npos;
        });
    }
    // The VMM's commands since the update began, less questions.
    std::vector<std::string> deeds() const {
        std::vector<std::string> names = vmm_->names();
        std::erase_if(names, [](const std::string& name) {
            return name.starts_with("query-") || name == "cpr-descriptors" ||
                   name == "cpr-rehearse";
        });
        return names;
    }
    bool saw_host_events() const { return client_->events("STOP") + client_->events("RESUME") > 0; }

    static UpdateDeadlines short_deadlines() {
        UpdateDeadlines deadlines;
        deadlines.query = deadlines.save = deadlines.exec = deadlines.load = deadlines.resume =
            std::chrono::milliseconds(1000);
        deadlines.info = deadlines.rehearsal = std::chrono::milliseconds(3000);
        return deadlines;
    }

    const TestFolder folder_;
    UpdateDeadlines deadlines_ = short_deadlines();
    std::optional<Error> deadlines_error_;
    std::string configured_ = folder_.path("new");
    std::string state_ = "none";
    json blockers_ = json::array();
    int64_t descriptors_ = 3;
    int section_version_ = 1;
    int saved_version_ = 1;
    bool running_before_ = true;
    bool left_stopped_ = false;
    int64_t stopped_ = 0;
    int64_t running_ = 0;
    UniqueFd gate_fd_;
    UniqueFd interrupt_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::shared_ptr<const VmmProcess> process_;
    std::unique_ptr<FakeVmm> vmm_;
    std::unique_ptr<VmmLink> link_;
    std::unique_ptr<Relay> relay_;
    std::unique_ptr<UpdateService> service_;
    std::unique_ptr<FakeClient> client_;
    // What the host's log was told.
    std::vector<std::string> log_;
    int asked_ = 0;
};

}  // namespace cpr::controller

#endif

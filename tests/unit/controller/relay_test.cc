// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <system_error>

#include "base/error.h"
#include "base/io.h"
#include "controller/client_session.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

class RelayTest : public LoopTest {
  protected:
    void SetUp() override {
        auto [ours, theirs] = socket_pair();
        vmm_ = std::make_unique<FakeVmm>(loop_, std::move(theirs));
        link_ = std::make_unique<VmmLink>(
            loop_, std::move(ours),
            VmmLink::Handlers{[this](const json& greeting) { relay_->start(greeting); },
                              [this](Message event) { relay_->on_event(std::move(event)); },
                              [this](const std::string&) { link_closed_ = true; }});
        relay_ = std::make_unique<Relay>(loop_, listen_at(path_), *link_);
        relay_->add_command("ours", [](const json& arguments) {
            if (arguments.contains("fail"))
                throw Error(ErrorCode::kNoJob, "no job");
            if (arguments.contains("fail-otherwise"))
                throw std::system_error(EAGAIN, std::generic_category(), "no thread");
            return json{{"got", arguments}};
        });
        vmm_->greet();
        vmm_->returns("query-status", {{"status", "from-vmm"}});
    }

    std::unique_ptr<FakeClient> connect() {
        auto client = std::make_unique<FakeClient>(loop_, connect_to(path_));
        run_until([&] { return !client->messages.empty(); });
        return client;
    }
    std::unique_ptr<FakeClient> negotiated() {
        auto client = connect();
        client->command("qmp_capabilities", "caps");
        run_until([&] { return client->answer("caps").has_value(); });
        return client;
    }
    json ask(FakeClient& client, const std::string& command, json arguments = json::object()) {
        const json id = "ask-" + std::to_string(++asked_);
        client.command(command, id, std::move(arguments));
        run_until([&] { return client.answer(id).has_value(); });
        json answer = client.answer(id).value_or(json::object());
        answer.erase("id");
        return answer;
    }

    const TestFolder folder_;
    const std::string path_ = folder_.path("monitor.sock");
    std::unique_ptr<FakeVmm> vmm_;
    std::unique_ptr<VmmLink> link_;
    std::unique_ptr<Relay> relay_;
    bool link_closed_ = false;
    int asked_ = 0;
};

// Objects to one command.
class RefusingWatcher : public MonitorWatcher {
  public:
    Ticket on_command(Message& command) override {
        if (command.body["execute"] == "refused")
            throw Error(ErrorCode::kUnsupported, "not this");
        return ++commands;
    }
    void on_answer(Ticket /*ticket*/, Message& /*answer*/) override { ++answers; }
    void on_event(Message& /*event*/) override {}

    int commands = 0;
    int answers = 0;
};

TEST_F(RelayTest, WhatTheWatcherRefusesGoesNowhere) {
    RefusingWatcher watcher;
    relay_->set_watcher(watcher);
    const auto client = negotiated();
    EXPECT_EQ(ask(*client, "refused")["error"]["desc"], "not this");
    EXPECT_EQ(vmm_->count("refused"), 0U);
    EXPECT_EQ(ask(*client, "query-status")["return"]["status"], "from-vmm");
    EXPECT_EQ(watcher.commands, watcher.answers);
}

TEST_F(RelayTest, GreetsWithTheVmmsGreetingLessItsCapabilities) {
    const auto client = connect();
    EXPECT_EQ(client->messages[0]["QMP"]["version"], "8.2.0");
    EXPECT_EQ(client->messages[0]["QMP"]["capabilities"], json::array());
}

TEST_F(RelayTest, NegotiatesByItself) {
    const auto client = connect();
    EXPECT_EQ(ask(*client, "query-status")["error"]["class"], "CommandNotFound");
    EXPECT_EQ(ask(*client, "qmp_capabilities", {{"enable", {"oob"}}})["error"]["class"],
              "GenericError");
    EXPECT_EQ(ask(*client, "qmp_capabilities"), (json{{"return", json::object()}}));
    EXPECT_EQ(ask(*client, "qmp_capabilities")["error"]["class"], "CommandNotFound");
    EXPECT_TRUE(vmm_->commands.empty());
}

TEST_F(RelayTest, GivesEveryAnswerTheClientsOwnId) {
    const auto client = negotiated();
    client->command("query-status", "libvirt-1");
    client->command("query-status", json{{"any", {1, 2}}});
    run_until([&] { return client->answer(json{{"any", {1, 2}}}).has_value(); });
    EXPECT_EQ(client->answer("libvirt-1")->at("return")["status"], "from-vmm");
    ASSERT_EQ(vmm_->commands.size(), 2u);
    EXPECT_NE(vmm_->commands[0]["id"], vmm_->commands[1]["id"]);
}

TEST_F(RelayTest, AnswersACommandWithoutIdWithoutOne) {
    const auto client = negotiated();
    client->command("query-status");
    run_until([&] { return client->messages.size() == 3; });
    EXPECT_EQ(client->messages[2], (json{{"return", {{"status", "from-vmm"}}}}));
}

TEST_F(RelayTest, KeepsTheOrderOfAnswersWhoeverGivesThem) {
    const auto client = negotiated();
    vmm_->on("slow", [](const json&) { return std::nullopt; });
    client->command("slow", 1);
    client->command("ours", 2);
    client->command("nonsense", 3);
    vmm_->returns("nonsense", 3);
    run_until([&] { return vmm_->count("nonsense") == 1; });
    settle();
    EXPECT_EQ(client->messages.size(), 2u);
    vmm_->answer(vmm_->commands[0], {{"return", 1}});
    run_until([&] { return client->messages.size() == 5; });
    EXPECT_EQ(client->messages[2]["id"], 1);
    EXPECT_EQ(client->messages[3]["id"], 2);
    EXPECT_EQ(client->messages[4]["id"], 3);
}

TEST_F(RelayTest, PassesErrorsAndEventsOn) {
    const auto client = negotiated();
    vmm_->fails("bad", "none", "no such thing");
    EXPECT_EQ(ask(*client, "bad")["error"]["desc"], "no such thing");
    vmm_->event("DEVICE_DELETED", {{"path", "/x"}});
    vmm_->event("STOP");
    run_until([&] { return client->events("STOP") == 1; });
    EXPECT_EQ(client->events("DEVICE_DELETED"), 1u);
}

TEST_F(RelayTest, EventsReachOnlyAClientThatHasNegotiated) {
    const auto client = connect();
    vmm_->event("RTC_CHANGE");
    relay_->send_event("OURS", {});
    EXPECT_EQ(ask(*client, "qmp_capabilities"), (json{{"return", json::object()}}));
    EXPECT_EQ(client->events("RTC_CHANGE") + client->events("OURS"), 0u);
}

TEST_F(RelayTest, AnEventThatCanWaitGoesBeforeWhateverIsSentNext) {
    const auto client = negotiated();
    const auto last_two = [&] {
        const auto& messages = client->messages;
        return std::pair(messages.at(messages.size() - 2), messages.back());
    };
    relay_->send_event_later("OURS", {{"number", 1}});
    settle();
    EXPECT_EQ(client->events("OURS"), 0u);
    vmm_->event("RESET");
    run_until([&] { return client->events("RESET") == 1; });
    EXPECT_EQ(last_two().first["data"], (json{{"number", 1}}));
    relay_->send_event_later("OURS", {{"number", 2}});
    ask(*client, "ours");
    EXPECT_EQ(last_two().first["data"], (json{{"number", 2}}));
    EXPECT_EQ(client->events("OURS"), 2u);
}

TEST_F(RelayTest, AnEventThatCanWaitDoesNotForEver) {
    const auto client = negotiated();
    const auto begin = std::chrono::system_clock::now();
    relay_->send_event_later("OURS", {{"number", 1}});
    relay_->send_event_later("OURS", {{"number", 2}});
    run_until([&] { return client->events("OURS") == 2; });
    EXPECT_GE(std::chrono::system_clock::now() - begin, ClientSession::kLongestDelay / 2);
    EXPECT_EQ(client->messages.back()["data"], (json{{"number", 2}}));
    // When it was, and not when it is told.
    const json& time = client->messages.back()["timestamp"];
    const auto told = std::chrono::seconds(time["seconds"].get<int64_t>()) +
                      std::chrono::microseconds(time["microseconds"].get<int64_t>());
    EXPECT_LT(told - begin.time_since_epoch(), ClientSession::kLongestDelay / 2);
}

TEST_F(RelayTest, AnEventThatCanWaitIsNotLostAtTheEnd) {
    auto client = negotiated();
    relay_->send_event_later("OURS", {{"number", 1}});
    // Another client is told nothing of what was before it.
    client.reset();
    client = negotiated();
    EXPECT_EQ(ask(*client, "ours")["return"]["got"], json::object());
    EXPECT_EQ(client->events("OURS"), 0u);
    relay_->send_event_later("OURS", {{"number", 2}});
    relay_->close();
    run_until([&] { return client->closed(); });
    EXPECT_EQ(client->events("OURS"), 1u);
}

TEST_F(RelayTest, AnswersOurCommandsAndTheirErrors) {
    const auto client = negotiated();
    EXPECT_EQ(ask(*client, "ours", {{"x", 1}}), (json{{"return", {{"got", {{"x", 1}}}}}}));
    const json answer = ask(*client, "ours", {{"fail", true}});
    EXPECT_EQ(answer["error"]["code"], "no-job");
    EXPECT_EQ(answer["error"]["class"], "GenericError");
    // libvirt waits for an answer whatever happens.
    EXPECT_EQ(ask(*client, "ours", {{"fail-otherwise", true}})["error"]["code"], "internal");
    EXPECT_TRUE(vmm_->commands.empty());
}

TEST_F(RelayTest, ListsOurCommandsAndHidesThePrivateOnes) {
    const auto client = negotiated();
    vmm_->returns("query-commands", {{{"name", "stop"}}, {{"name", "cpr-save"}}});
    EXPECT_EQ(ask(*client, "query-commands")["return"],
              (json{{{"name", "stop"}}, {{"name", "ours"}}}));
    EXPECT_EQ(ask(*client, "cpr-save")["error"]["code"], "unsupported");
    EXPECT_EQ(vmm_->count("cpr-save"), 0u);
}

TEST_F(RelayTest, AnswersMalformedCommandsAsQemuDoes) {
    const auto client = negotiated();
    const std::pair<json, const char*> cases[] = {
        {{{"id", 1}}, "lacks member 'execute'"},
        {{{"id", 1}, {"execute", 5}}, "must be a string"},
        {{{"id", 1}, {"execute", "x"}, {"arguments", 5}}, "must be an object"},
        {{{"id", 1}, {"execute", "x"}, {"more", 5}}, "'more' is unexpected"},
        {{{"id", 1}, {"exec-oob", "x"}}, "'exec-oob' is unexpected"}};
    for (const auto& [message, problem] : cases) {
        client->messages.clear();
        client->send(message);
        run_until([&] { return client->messages.size() == 1; });
        const auto text = client->messages[0]["error"]["desc"].get<std::string>();
        EXPECT_NE(text.find(problem), std::string::npos) << text;
        EXPECT_EQ(client->messages[0]["id"], 1);
    }
    EXPECT_TRUE(vmm_->commands.empty());
}

TEST_F(RelayTest, PassesDescriptorsInOrder) {
    const auto client = negotiated();
    const UniqueFd one = make_memfd("one");
    const UniqueFd two = make_memfd("two");
    vmm_->on("slow", [](const json&) { return std::nullopt; });
    vmm_->returns("getfd", json::object());
    client->command("slow", 0);
    client->send({{"execute", "getfd"}, {"id", 1}}, {one.get()});
    client->send({{"execute", "getfd"}, {"id", 2}}, {two.get()});
    run_until([&] { return vmm_->count("slow") == 1; });
    settle();
    // Not before all older commands have been answered.
    EXPECT_EQ(vmm_->count("getfd"), 0u);
    vmm_->answer(vmm_->commands[0], {{"return", 1}});
    run_until([&] { return client->answer(2).has_value(); });
    ASSERT_EQ(vmm_->fds.size(), 2u);
    const auto link = [](const UniqueFd& fd) {
        char target[64] = {};
        const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
        EXPECT_GT(readlink(path.c_str(), target, sizeof(target) - 1), 0);
        return std::string(target);
    };
    EXPECT_EQ(link(vmm_->fds[0]), "/memfd:one (deleted)");
    EXPECT_EQ(link(vmm_->fds[1]), "/memfd:two (deleted)");
}

TEST_F(RelayTest, PassesDescriptorsToTheClient) {
    const auto client = negotiated();
    const UniqueFd memfd = make_memfd("x");
    vmm_->on("give", [&](const json& command) -> std::optional<json> {
        vmm_->send({{"return", 1}, {"id", command["id"]}}, {memfd.get()});
        return std::nullopt;
    });
    ask(*client, "give");
    EXPECT_EQ(client->fds.size(), 1u);
}

TEST_F(RelayTest, DropsAnswersForAClientThatLeft) {
    auto first = negotiated();
    vmm_->on("slow", [](const json&) { return std::nullopt; });
    first->command("slow", "same-id");
    run_until([&] { return vmm_->count("slow") == 1; });
    first.reset();
    const auto second = negotiated();
    vmm_->answer(vmm_->commands[0], {{"return", "stale"}});
    EXPECT_EQ(ask(*second, "query-status")["return"]["status"], "from-vmm");
    EXPECT_FALSE(second->answer("same-id"));
}

TEST_F(RelayTest, TakesOneClientAtATimeAndAnyNumberInTurn) {
    auto first = negotiated();
    auto second = std::make_unique<FakeClient>(loop_, connect_to(path_));
    EXPECT_EQ(ask(*first, "query-status")["return"]["status"], "from-vmm");
    EXPECT_TRUE(second->messages.empty());
    first.reset();
    run_until([&] { return !second->messages.empty(); });
    second.reset();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ask(*negotiated(), "query-status")["return"]["status"], "from-vmm");
}

TEST_F(RelayTest, DisconnectsAClientThatSendsGarbage) {
    const std::string bombs[] = {"garbage\n", "{]}", "{\"execute\": \"x\", \"y\": \xff\xfe}",
                                 "{\"a\":" + std::string(600, '[')};
    for (const std::string& bytes : bombs) {
        auto client = negotiated();
        ASSERT_EQ(write(client->fd(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
        run_until([&] { return client->closed(); });
        EXPECT_FALSE(link_closed_);
    }
    EXPECT_EQ(ask(*negotiated(), "query-status")["return"]["status"], "from-vmm");
}

TEST_F(RelayTest, DisconnectsAClientWhoseMessageNeverEnds) {
    const auto client = negotiated();
    client->send({{"execute", std::string(17 << 20, 'x')}});
    run_until([&] { return client->closed(); });
    EXPECT_TRUE(vmm_->commands.empty());
}

TEST_F(RelayTest, DisconnectsAClientThatDoesNotRead) {
    const auto client = negotiated();
    client->set_paused(true);
    for (int i = 0; i < 40; ++i)
        relay_->send_event("LARGE", {{"text", std::string(2 << 20, 'x')}});
    // Another is served only when the first is gone.
    EXPECT_EQ(ask(*negotiated(), "query-status")["return"]["status"], "from-vmm");
}

TEST_F(RelayTest, ReadsNoFurtherThanSoManyUnansweredCommands) {
    const auto client = negotiated();
    vmm_->on("slow", [](const json&) { return std::nullopt; });
    const json filler(std::string(60000, 'x'));
    constexpr size_t kCommands = 4 * ClientSession::kMaxUnanswered;
    for (size_t i = 0; i < kCommands; ++i)
        client->command("slow", i, {{"filler", filler}});
    run_until([&] { return vmm_->commands.size() >= ClientSession::kMaxUnanswered; });
    settle();
    EXPECT_LE(vmm_->commands.size(), ClientSession::kMaxUnanswered + 2);
    vmm_->returns("slow", 1);
    for (size_t i = 0; i < ClientSession::kMaxUnanswered; ++i)
        vmm_->answer(vmm_->commands[i], {{"return", 1}});
    run_until([&] { return client->answer(kCommands - 1).has_value(); });
}

TEST_F(RelayTest, LivesOnWithAVmmThatAnswersWhatNobodyAsked) {
    const auto client = negotiated();
    for (const json& message :
         {json{{"return", 1}, {"id", 12345}}, json{{"return", 1}, {"id", "text"}},
          json{{"return", 1}}, json{{"error", 5}, {"id", -1}}, json{{"neither", 1}},
          json{{"event", 5}}, json{{"QMP", 5}}})
        vmm_->send(message);
    EXPECT_EQ(ask(*client, "query-status")["return"]["status"], "from-vmm");
}

TEST_F(RelayTest, TheEndOfTheVmmIsTheLinksEnd) {
    const auto client = negotiated();
    vmm_->on("slow", [](const json&) { return std::nullopt; });
    client->command("slow", 1);
    run_until([&] { return vmm_->count("slow") == 1; });
    vmm_->event("SHUTDOWN", {{"guest", true}});
    vmm_->die();
    run_until([&] { return link_closed_; });
    relay_->close();
    run_until([&] { return client->closed(); });
    EXPECT_EQ(client->events("SHUTDOWN"), 1u);
    EXPECT_EQ(client->answer(1)->at("error")["code"], "vmm-gone");
}

// --- During the switch

class SwitchTest : public RelayTest {
  protected:
    void SetUp() override {
        RelayTest::SetUp();
        client_ = negotiated();
        vmm_->returns("one", 1);
        vmm_->returns("two", 2);
    }
    std::unique_ptr<FakeClient> client_;
};

TEST_F(SwitchTest, CommandsWaitAndGoInOrder) {
    relay_->begin_switch();
    client_->command("one", 1);
    client_->command("two", 2);
    settle();
    EXPECT_TRUE(vmm_->commands.empty());
    relay_->end_switch();
    run_until([&] { return client_->answer(2).has_value(); });
    EXPECT_EQ(vmm_->names(), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(client_->answer(1)->at("return"), 1);
}

TEST_F(SwitchTest, QueryStatusAnswersAsBefore) {
    relay_->begin_switch();
    client_->command("query-status", "early");
    settle();
    EXPECT_FALSE(client_->answer("early"));
    relay_->set_switch_status({{"status", "running"}, {"running", true}});
    run_until([&] { return client_->answer("early").has_value(); });
    EXPECT_EQ(client_->answer("early")->at("return")["status"], "running");
    EXPECT_EQ(ask(*client_, "query-status")["return"]["status"], "running");
    EXPECT_TRUE(vmm_->commands.empty());
    relay_->end_switch();
    EXPECT_EQ(ask(*client_, "query-status")["return"]["status"], "from-vmm");
}

TEST_F(SwitchTest, OurCommandsAreAnswered) {
    relay_->begin_switch();
    EXPECT_EQ(ask(*client_, "ours"), (json{{"return", {{"got", json::object()}}}}));
}

TEST_F(SwitchTest, ItsEventsStayInsideAndTheGuestsPass) {
    relay_->begin_switch();
    for (const char* name : {"STOP", "RESUME", "MIGRATION", "MIGRATION_PASS", "JOB_STATUS_CHANGE"})
        vmm_->event(name);
    vmm_->event("SHUTDOWN", {{"guest", false}, {"reason", "host-signal"}});
    vmm_->event("RESET", {{"guest", true}});
    vmm_->event("GUEST_PANICKED", {{"action", "pause"}});
    vmm_->event("SHUTDOWN", {{"guest", true}, {"reason", "guest-shutdown"}});
    run_until([&] { return client_->events("SHUTDOWN") == 1; });
    EXPECT_EQ(client_->events("STOP") + client_->events("RESUME") + client_->events("MIGRATION") +
                  client_->events("MIGRATION_PASS") + client_->events("JOB_STATUS_CHANGE"),
              0u);
    EXPECT_EQ(client_->events("RESET"), 1u);
    EXPECT_EQ(client_->events("GUEST_PANICKED"), 1u);
    relay_->end_switch();
    vmm_->event("STOP");
    run_until([&] { return client_->events("STOP") == 1; });
}

TEST_F(SwitchTest, AClientMayReconnectInTheMiddle) {
    relay_->begin_switch();
    relay_->set_switch_status({{"status", "running"}});
    client_->command("one", 1);
    settle();
    client_.reset();
    const auto second = negotiated();
    EXPECT_EQ(ask(*second, "query-status")["return"]["status"], "running");
    second->command("two", 2);
    settle();
    relay_->end_switch();
    run_until([&] { return second->answer(2).has_value(); });
    // What the first had asked for did not begin any more.
    EXPECT_EQ(vmm_->names(), (std::vector<std::string>{"two"}));
}

TEST_F(SwitchTest, ANewBinarysGreetingAnswersTheExecAndNobodyElse) {
    std::vector<json> answers;
    const auto keep = [&](Message answer) { answers.push_back(std::move(answer.body)); };
    link_->send({{{"execute", "lost"}}, {}}, keep);
    link_->exec({{{"execute", "cpr-exec"}}, {}}, keep);
    run_until([&] { return vmm_->count("cpr-exec") == 1; });
    vmm_->greet("9.9.9");
    run_until([&] { return answers.size() == 2; });
    EXPECT_EQ(answers[0]["error"]["code"], "vmm-gone");
    EXPECT_EQ(answers[1]["return"]["QMP"]["version"], "9.9.9");
    // A client that comes now still gets the first one's.
    client_.reset();
    EXPECT_EQ(connect()->messages[0]["QMP"]["version"], "8.2.0");
}

}  // namespace
}  // namespace cpr::controller

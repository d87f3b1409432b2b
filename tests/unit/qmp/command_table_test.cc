// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/command_table.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace cpr::qmp {
namespace {

using nlohmann::json;

class CommandTableTest : public ::testing::Test {
  protected:
    CommandTableTest() : table_({"early", "late"}, [this] { return state_; }) {
        table_.add({"echo",
                    {{"text", ArgumentType::kString}, {"count", ArgumentType::kInteger, true}},
                    0b11,
                    [](Request& request) { return request.arguments; }});
        table_.add({"late-only", {}, 0b10, [](Request&) { return json::object(); }});
        table_.add(
            {"anything", {}, 0b11, [](Request& request) { return request.arguments; }, true});
        table_.add({"take", {}, 0b11, [this](Request& request) {
                        taken_ = std::move(request.fds.at(0));
                        return json::object();
                    }});
        table_.add({"absent", {}, 0b11, [](Request&) -> json {
                        throw ClassError("DeviceNotFound", ErrorCode::kInvalidArgument,
                                         "Device '{}' not found", "x");
                    }});
        table_.add({"broken", {}, 0b11, [](Request& request) -> json {
                        return request.arguments.at("nothing");
                    }});
        session_.emplace(table_, json{{"package", "p"}});
    }

    json ask(const json& message) { return session_->handle(message, {}).body; }
    json run(const std::string& name, const json& arguments = json::object()) {
        return ask({{"execute", name}, {"arguments", arguments}});
    }
    void negotiate() { ask({{"execute", "qmp_capabilities"}}); }

    static std::string error(const json& reply) {
        const json& error = reply.at("error");
        return error.at("class").get<std::string>() + ": " + error.at("desc").get<std::string>();
    }

    size_t state_ = 0;
    CommandTable table_;
    std::optional<Session> session_;
    UniqueFd taken_;
};

TEST_F(CommandTableTest, GreetsAndWantsNegotiationFirst) {
    EXPECT_EQ(session_->greeting(),
              json::parse(R"({"QMP": {"version": {"package": "p"}, "capabilities": []}})"));
    EXPECT_FALSE(session_->negotiated());
    EXPECT_EQ(error(run("echo", {{"text", "x"}})),
              "CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'");
    EXPECT_EQ(error(run("qmp_capabilities", {{"enable", {"oob"}}})),
              "GenericError: Capability oob not available");
    EXPECT_FALSE(session_->negotiated());
    EXPECT_EQ(run("qmp_capabilities", {{"enable", json::array()}}),
              json::parse(R"({"return": {}})"));
    EXPECT_TRUE(session_->negotiated());
    EXPECT_EQ(error(run("qmp_capabilities")),
              "CommandNotFound: Capabilities negotiation is already complete, command ignored");
}

TEST_F(CommandTableTest, AnswersWithTheRequestsId) {
    negotiate();
    EXPECT_EQ(ask({{"execute", "echo"}, {"arguments", {{"text", "x"}}}, {"id", {1, "a"}}}),
              json::parse(R"({"return": {"text": "x"}, "id": [1, "a"]})"));
    EXPECT_EQ(ask({{"execute", "nothing"}, {"id", 7}}).at("id"), 7);
    EXPECT_FALSE(run("echo", {{"text", "x"}}).contains("id"));
}

TEST_F(CommandTableTest, ReportsErrorsInTheShapesOfQemu) {
    negotiate();
    EXPECT_EQ(error(run("nope")), "CommandNotFound: The command nope has not been found");
    EXPECT_EQ(error(run("echo")), "GenericError: Parameter 'text' is missing");
    EXPECT_EQ(error(run("echo", {{"text", 1}})),
              "GenericError: Invalid parameter type for 'text', expected: string");
    EXPECT_EQ(error(run("echo", {{"text", "x"}, {"count", 1.5}})),
              "GenericError: Invalid parameter type for 'count', expected: integer");
    EXPECT_EQ(error(run("echo", {{"text", "x"}, {"foo", 1}})),
              "GenericError: Parameter 'foo' is unexpected");
    EXPECT_EQ(error(run("absent")), "DeviceNotFound: Device 'x' not found");
    EXPECT_EQ(error(ask({{"exec", "echo"}})),
              "GenericError: QMP input member 'exec' is unexpected");
    EXPECT_EQ(error(ask(json::object())), "GenericError: QMP input lacks member 'execute'");
    EXPECT_EQ(error(ask({{"execute", 5}})),
              "GenericError: QMP input member 'execute' must be a string");
    EXPECT_EQ(error(ask({{"execute", "echo"}, {"arguments", {1}}})),
              "GenericError: QMP input member 'arguments' must be an object");
    EXPECT_EQ(run("nope").at("error").at("code"), "unsupported");
}

TEST_F(CommandTableTest, SurvivesAHandlerThatFailsUnexpectedly) {
    negotiate();
    const json reply = run("broken");
    EXPECT_EQ(reply.at("error").at("code"), "internal");
    EXPECT_EQ(run("echo", {{"text", "x"}}).at("return").at("text"), "x");
}

TEST_F(CommandTableTest, RefusesWhatIsNotLegalInTheState) {
    negotiate();
    const json reply = run("late-only");
    EXPECT_EQ(error(reply), "GenericError: the command late-only is not legal in state 'early'");
    EXPECT_EQ(reply.at("error").at("code"), "invalid-state");
    state_ = 1;
    EXPECT_TRUE(run("late-only").contains("return"));
}

TEST_F(CommandTableTest, AllowsUnknownArgumentsOnlyWhereTheTableSaysSo) {
    negotiate();
    EXPECT_EQ(run("anything", {{"driver", "x"}}).at("return").at("driver"), "x");
}

TEST_F(CommandTableTest, HandsDescriptorsToTheHandler) {
    negotiate();
    std::vector<UniqueFd> fds;
    fds.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = fds[0].get();
    session_->handle({{"execute", "take"}}, std::move(fds));
    EXPECT_EQ(taken_.get(), number);
}

TEST_F(CommandTableTest, DescriptorsOfTheHandlerTravelWithTheAnswer) {
    table_.add({"give", {}, 0b11, [](Request& request) {
                    request.answer_fds.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
                    return json::object();
                }});
    negotiate();
    EXPECT_EQ(session_->handle({{"execute", "give"}}, {}).fds.size(), 1u);
    EXPECT_TRUE(
        session_->handle({{"execute", "echo"}, {"arguments", {{"text", "x"}}}}, {}).fds.empty());
}

TEST_F(CommandTableTest, ListsItsCommands) {
    const json names = table_.names();
    EXPECT_THAT(names, ::testing::Contains(json{{"name", "qmp_capabilities"}}));
    EXPECT_THAT(names, ::testing::Contains(json{{"name", "late-only"}}));
    EXPECT_EQ(names.size(), 7U);
    const json schema = table_.schema();
    EXPECT_THAT(schema, ::testing::Contains(json::parse(
                            R"({"name": "echo", "meta-type": "command",
                                "arg-type": "echo-arguments", "ret-type": "any"})")));
    EXPECT_THAT(schema, ::testing::Contains(json::parse(
                            R"({"name": "echo-arguments", "meta-type": "object", "members": [
                                {"name": "text", "type": "str"},
                                {"name": "count", "type": "int", "default": null}]})")));
}

TEST_F(CommandTableTest, HasEachNameOnce) {
    EXPECT_THROW(table_.add({"echo", {}, 0b11, nullptr}), Error);
}

}  // namespace
}  // namespace cpr::qmp

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/call_error.h"
#include "fakes/catalogue.h"

namespace cpr::client {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The error that `call` throws; the test fails if it throws none.
template <typename Call>
CallError error_of(Call call) {
    try {
        call();
    } catch (const CallError& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return CallError("", "");
}

CallError reply_error(const std::string& text) {
    return error_of([&] { parse_reply(text); });
}

TEST(MakeCommand, LeavesOutEmptyArguments) {
    EXPECT_EQ(make_command("query-update-in-place", json::object()),
              R"({"execute":"query-update-in-place"})");
}

TEST(MakeCommand, HasArguments) {
    json command = json::parse(make_command("update-in-place", {{"binary", "/a \"b\""}}));
    EXPECT_EQ(command["arguments"]["binary"], "/a \"b\"");
}

TEST(MakeCommand, SurvivesBytesThatAreNotUtf8) {
    EXPECT_THAT(make_command("update-in-place", {{"binary", "/\xff"}}), HasSubstr("binary"));
}

TEST(ParseReply, ReturnsTheReturnMember) {
    EXPECT_EQ(parse_reply(R"({"return": {"job-id": 3}, "id": "libvirt-17"})")["job-id"], 3);
}

TEST(ParseReply, KeepsTheStableCodeOfAnError) {
    CallError error = reply_error(
        R"({"error": {"class": "GenericError", "desc": "an update runs", "code": "job-active"}})");
    EXPECT_EQ(error.code(), "job-active");
    EXPECT_EQ(error.message(), "an update runs");
    EXPECT_EQ(error.vir_code(), VIR_ERR_RESOURCE_BUSY);
}

TEST(ParseReply, SaysAnErrorInTheCallersLanguage) {
    const Catalogue catalogue(Catalogue::Texts{{"update {} runs", "es läuft {}"}});
    const CallError error = reply_error(
        R"({"error": {"class": "GenericError", "desc": "update 7 runs", "code": "job-active",
                      "desc-parts": {"template": "update {} runs", "arguments": ["7"]}}})");
    EXPECT_EQ(error.message(), "es läuft 7");
    EXPECT_EQ(
        reply_error(R"({"error": {"desc": "x", "desc-parts": {"template": "{}"}}})").message(),
        "x");
}

TEST(ParseReply, KeepsACodeThatIsNewerThanThisLibrary) {
    CallError error = reply_error(R"({"error": {"desc": "x", "code": "from-the-future"}})");
    EXPECT_EQ(error.code(), "from-the-future");
    EXPECT_EQ(error.vir_code(), VIR_ERR_OPERATION_FAILED);
}

TEST(ParseReply, SaysThatADomainHasNoController) {
    CallError error = reply_error(
        R"({"error": {"class": "CommandNotFound", "desc": "The command has not been found"}})");
    EXPECT_EQ(error.code(), "unsupported");
    EXPECT_THAT(error.message(), HasSubstr("virt-cpr-emulator"));
}

TEST(ParseReply, ReportsAnErrorWithoutDescription) {
    EXPECT_FALSE(reply_error(R"({"error": {}})").message().empty());
}

TEST(ParseReply, ReportsWhatIsNoReply) {
    for (const char* text : {"", "{", "[]", "null", "{}", "{\"return\"", "nonsense"}) {
        EXPECT_EQ(reply_error(text).code(), "internal") << text;
    }
}

TEST(ParseReply, ReportsOnlyTheBeginningOfWhatIsNoReply) {
    EXPECT_LT(reply_error(std::string(100000, 'x')).message().size(), 400u);
}

TEST(ParseReply, DropsWhatIsNestedTooDeepToBeOurs) {
    constexpr int kDepth = 200000;
    std::string deep = R"({"return": {"job-id": 1, "x": )" + std::string(kDepth, '[') +
                       std::string(kDepth, ']') + "}}";
    json result = parse_reply(deep);
    EXPECT_EQ(result["job-id"], 1);
    EXPECT_LT(result.dump().size(), 200u);
}

}  // namespace
}  // namespace cpr::client

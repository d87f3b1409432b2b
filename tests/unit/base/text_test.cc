// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/blocker.h"
#include "base/error.h"
#include "base/text_json.h"

namespace cpr {
namespace {

using nlohmann::json;

std::vector<std::string> english_arguments(const Text& text) {
    std::vector<std::string> all;
    for (const Text& argument : text.arguments())
        all.push_back(argument.english());
    return all;
}

json sent(const Text& text) {
    json object = json::object();
    put_text(object, "desc", text);
    return object;
}

json nested_parts(int depth) {
    json parts{{"template", "x"}};
    for (int i = 0; i < depth; ++i)
        parts = {{"template", "{}"}, {"arguments", {std::move(parts)}}};
    return parts;
}

TEST(Text, KeepsWhatItWasMadeOf) {
    const Text text("{} has {:#04x} of {:.1f}%", "it", 7, 2.25);
    EXPECT_EQ(text.english(), "it has 0x07 of 2.2%");
    EXPECT_EQ(text.format(), "{} has {:#04x} of {:.1f}%");
    EXPECT_EQ(english_arguments(text), (std::vector<std::string>{"it", "0x07", "2.2"}));
}

TEST(Text, ObeysNumbersAndBracesOfTheFormat) {
    const Text text("{{{1:x}}} {0} {1:x}", "a", 255);
    EXPECT_EQ(text.english(), "{ff} a ff");
    EXPECT_EQ(english_arguments(text), (std::vector<std::string>{"a", "ff"}));
}

TEST(Text, IsPlainRatherThanWrong) {
    // One argument in two forms is more than its parts can say.
    const Text text("{0} is {0:x}", 10);
    EXPECT_EQ(text.english(), "10 is a");
    EXPECT_TRUE(text.arguments().empty());
}

TEST(Text, DoesNotExpandWhatItIsGiven) {
    EXPECT_EQ(Text("'{}' {}", "{1}", "{}").english(), "'{1}' {}");
    EXPECT_EQ(Text("{}").english(), "{}");
}

TEST(Text, HasTextsWithinTexts) {
    const Error inner =
        Error(ErrorCode::kSystem, "cannot {}", "go").within(Text("device '{}'", "a"));
    const Text outer("no: {}", inner.text());
    EXPECT_EQ(outer.english(), "no: device 'a': cannot go");
    ASSERT_EQ(outer.arguments().size(), 1U);
    EXPECT_EQ(outer.arguments()[0].arguments()[0].format(), "device '{}'");
    EXPECT_FALSE(outer.arguments()[0].arguments()[0].is_verbatim());
    EXPECT_TRUE(outer.arguments()[0].arguments()[0].arguments()[0].is_verbatim());
}

TEST(Text, OfErrnoKeepsBothParts) {
    errno = ENOENT;
    const Error error = errno_error("open '{}'", "/x");
    EXPECT_EQ(error.message(), "cannot open '/x': No such file or directory");
    ASSERT_EQ(error.text().arguments().size(), 2U);
    EXPECT_EQ(error.text().arguments()[0].format(), "open '{}'");
    EXPECT_FALSE(error.text().arguments()[1].is_verbatim());
}

TEST(Text, JoinsTexts) {
    EXPECT_TRUE(Text::joined({}, "; ").empty());
    EXPECT_EQ(Text::joined({Text("a {}", 1)}, "; "), Text("a {}", 1));
    const Text both = Text::joined({Text("a {}", 1), "b"}, "; ");
    EXPECT_EQ(both.english(), "a 1; b");
    EXPECT_EQ(both.format(), "{}; {}");
    EXPECT_EQ(both.arguments()[0].format(), "a {}");
}

TEST(Text, TravelsAsEnglishAndParts) {
    const Text text("{}: {}", Text("group {}", 7), Text("it is {}", "lost"));
    EXPECT_EQ(sent(text), json::parse(R"({"desc": "group 7: it is lost", "desc-parts":
        {"template": "{}: {}", "arguments": [{"template": "group {}", "arguments": ["7"]},
                                             {"template": "it is {}", "arguments": ["lost"]}]}})"));
    EXPECT_EQ(text_in(sent(text), "desc"), text);
    EXPECT_EQ(sent("plain"), json::parse(R"({"desc": "plain"})"));
    EXPECT_EQ(text_in(sent("plain"), "desc"), Text("plain"));
}

TEST(Text, OfABlockerTravelsToo) {
    const json object = to_json(Blocker{"a", Text("why {}", 1), "what to do"});
    EXPECT_EQ(object, json::parse(R"({"id": "a", "reason": "why 1", "remedy": "what to do",
        "reason-parts": {"template": "why {}", "arguments": ["1"]}})"));
}

TEST(Text, ComesWithoutPartsFromAnOlderPeer) {
    EXPECT_EQ(text_in(json::parse(R"({"desc": "{} x"})"), "desc"), Text("{} x"));
    EXPECT_TRUE(
        text_in(json::parse(R"({"desc": 1, "desc-parts": {"template": "x"}})"), "desc").empty());
    EXPECT_TRUE(text_in(json::array(), "desc").empty());
}

// Whatever the parts are, the English wording is what was sent, and stands.
class HostileParts : public testing::TestWithParam<const char*> {};

TEST_P(HostileParts, AreLeftOut) {
    json object{{"desc", "a b"}};
    object["desc-parts"] = json::parse(GetParam());
    EXPECT_EQ(text_in(object, "desc"), Text("a b"));
}

INSTANTIATE_TEST_SUITE_P(
    Text, HostileParts,
    testing::Values(
        R"("a b")", "7", "null", "[]", "{}", R"({"template": 7})", R"({"template": "{} b"})",
        R"({"template": "{} b", "arguments": []})", R"({"template": "{} b", "arguments": "a"})",
        R"({"template": "{} b", "arguments": {"0": "a"}})",
        R"({"template": "{} b", "arguments": [7]})", R"({"template": "{} b", "arguments": [null]})",
        R"({"template": "{} b", "arguments": ["c"]})",
        R"({"template": "{} {}", "arguments": ["a"]})",
        R"({"template": "{7} b", "arguments": ["a"]})",
        R"({"template": "{99999999999999999999} b", "arguments": ["a"]})",
        R"({"template": "{-1} b", "arguments": ["a"]})",
        R"({"template": "{0x} b", "arguments": ["a"]})",
        R"({"template": "{:{} b", "arguments": ["a"]})",
        R"({"template": "{:{}} b", "arguments": ["a"]})",
        R"({"template": "{ b", "arguments": ["a"]})",
        R"({"template": "a } b", "arguments": ["a"]})",
        R"({"template": "{} b", "arguments": [{"template": "{}", "arguments": [[]]}]})"));

TEST(Text, OfAPeerIsNotDeeperThanItsLimit) {
    for (const int depth : {1, 8, 9, 10'000}) {
        const json object{{"desc", "x"}, {"desc-parts", nested_parts(depth)}};
        EXPECT_EQ(text_in(object, "desc").arguments().empty(), depth > 8) << depth;
    }
}

TEST(Text, OfAPeerHasNoMorePartsThanItsLimit) {
    for (const size_t count : {512U, 513U}) {
        json object{{"desc", "x"}};
        object["desc-parts"] = {{"template", "{0}"}, {"arguments", json::array()}};
        for (size_t i = 0; i < count; ++i)
            object["desc-parts"]["arguments"].push_back("x");
        EXPECT_EQ(text_in(object, "desc").arguments().empty(), count > 512) << count;
    }
}

TEST(Text, OfAPeerDoesNotGrowWithoutBounds) {
    json parts{{"template", "{0}{0}{0}{0}{0}{0}{0}{0}"}, {"arguments", {std::string(100, 'x')}}};
    for (int i = 0; i < 7; ++i)
        parts = {{"template", "{0}{0}{0}{0}{0}{0}{0}{0}"}, {"arguments", {std::move(parts)}}};
    EXPECT_EQ(text_in({{"desc", "x"}, {"desc-parts", parts}}, "desc"), Text("x"));
}

TEST(Text, OfOursIsEnglishBelowTheLimit) {
    Text text("the {}", "last");
    for (int i = 0; i < 20; ++i)
        text = Text("{} {}", i, text);
    EXPECT_EQ(text_in(sent(text), "desc").english(), text.english());
    EXPECT_FALSE(text_in(sent(text), "desc").arguments().empty());
}

}  // namespace
}  // namespace cpr

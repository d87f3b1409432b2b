// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_words.h"

#include <gtest/gtest.h>

namespace cpr::tools {
namespace {

using Commands = std::vector<Words>;

TEST(CommandString, IsSplitByVirshsRules) {
    const std::pair<const char*, Commands> kCases[] = {
        {"", {}},
        {" ; ;\n", {}},
        {"list", {{"list"}}},
        {"  list\t--all ", {{"list", "--all"}}},
        {"list;uri", {{"list"}, {"uri"}}},
        {"list\nuri", {{"list"}, {"uri"}}},
        {"echo 'a;b' \"c;d\"", {{"echo", "a;b", "c;d"}}},
        {"echo a\\;b c\\ d", {{"echo", "a;b", "c d"}}},
        {"echo a\"b c\"d", {{"echo", "ab cd"}}},
        {"echo 'a\\b' \"a\\\"b\"", {{"echo", "a\\b", "a\"b"}}},
        {"echo ''", {{"echo", ""}}},
        {"list # no; more\nuri", {{"list"}, {"uri"}}},
        {"echo a#b", {{"echo", "a#b"}}},
        {"echo a \\\n b", {{"echo", "a", "b"}}},
    };
    for (const auto& [text, commands] : kCases) {
        auto split = split_command_string(text);
        ASSERT_TRUE(split) << text;
        EXPECT_EQ(*split, commands) << text;
    }
}

TEST(CommandString, ThatVirshRefusesIsNotSplit) {
    for (const char* text : {"echo 'a", "echo \"a", "echo a\\"}) {
        EXPECT_FALSE(split_command_string(text)) << text;
    }
}

}  // namespace
}  // namespace cpr::tools

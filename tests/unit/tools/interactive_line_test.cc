// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/interactive_line.h"

#include <gtest/gtest.h>

#include "tools/virsh_arguments.h"

namespace cpr::tools {
namespace {

TEST(InteractiveLine, IsTheStockOnesWithoutACommandOfOurs) {
    for (const char* line : {"", "list", "echo 'update-in-place g1'", "destroy update-in-place",
                             "update-in-places g1", "update-in-place 'g1", "list # help"}) {
        EXPECT_FALSE(divide_line(line)) << line;
    }
}

TEST(InteractiveLine, IsDividedInOrder) {
    const auto parts =
        divide_line("echo 'a  b' it\\'s; update-in-place g1 --check;help domain; uri");
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->size(), 4u);
    EXPECT_FALSE(parts->at(0).is_own);
    EXPECT_TRUE(parts->at(1).is_own);
    EXPECT_EQ(parts->at(1).words, (Words{"update-in-place", "g1", "--check"}));
    EXPECT_TRUE(parts->at(2).is_own);
    EXPECT_FALSE(parts->at(3).is_own);
    // virsh reads the same words again.
    const auto again = split_command_string(parts->at(0).text);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, std::vector<Words>{parts->at(0).words});
}

TEST(InteractiveLine, IsCompletedAtItsLastCommand) {
    EXPECT_EQ(words_up_to("", "upd"), Words{"upd"});
    EXPECT_EQ(words_up_to("list; ", ""), Words{""});
    EXPECT_EQ(words_up_to("list; update-in-place ", "g"), (Words{"update-in-place", "g"}));
    EXPECT_EQ(words_up_to("update-in-place g1 ", "--ch"), (Words{"update-in-place", "g1", "--ch"}));
    EXPECT_FALSE(words_up_to("echo 'a ", "b"));
}

TEST(VirshArguments, FollowTheSession) {
    VirshArguments arguments = parse_virsh_arguments({"-c", "a", "-r"});
    follow_connect(arguments, {"uri"});
    EXPECT_EQ(arguments.connection.uri, "a");
    follow_connect(arguments, {"connect", "b"});
    EXPECT_EQ(arguments.connection.uri, "b");
    EXPECT_FALSE(arguments.connection.read_only);
    follow_connect(arguments, {"connect", "--readonly", "--name=c"});
    EXPECT_EQ(arguments.connection.uri, "c");
    EXPECT_TRUE(arguments.connection.read_only);
}

}  // namespace
}  // namespace cpr::tools

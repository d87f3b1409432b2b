// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/exec_messages.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

TEST(ExecMessages, ComeBackAsTheyWere) {
    const ExecMessage descriptors{{3, 7, 21}, 21, false, {}, {}};
    EXPECT_EQ(parse_exec_message(to_text(descriptors), 3), descriptors);
    const ExecMessage order{{}, -1, true, {10, 14}, {}};
    EXPECT_EQ(parse_exec_message(to_text(order), 2), order);
    const ExecMessage complaint{{}, -1, false, {}, "cannot \"execute\"\n"};
    EXPECT_EQ(parse_exec_message(to_text(complaint), 0), complaint);
}

TEST(ExecMessages, WhatIsNoneIsRefused) {
    for (const char* text :
         {"", "[]", "{", "7", R"({"numbers":3})", R"({"numbers":[2]})", R"({"numbers":[-1]})",
          R"({"numbers":["3"]})", R"({"numbers":[3.5]})", R"({"numbers":[1048576]})",
          R"({"numbers":[3],"table":"x"})", R"({"table":0})"})
        EXPECT_THROW(parse_exec_message(text, 1), Error) << text;
    EXPECT_THROW(parse_exec_message(R"({"numbers":[3,3]})", 2), Error);
    EXPECT_THROW(parse_exec_message(R"({"numbers":[3],"run":true,"keep":[3]})", 3), Error);
}

TEST(ExecMessages, EachNumberHasItsDescriptor) {
    EXPECT_THROW(parse_exec_message(R"({"numbers":[3,4]})", 1), Error);
    EXPECT_THROW(parse_exec_message(R"({"numbers":[3,4]})", 3), Error);
    EXPECT_THROW(parse_exec_message(R"({"run":true,"keep":[]})", 0), Error);
}

TEST(ExecMessages, ADescriptorsNumberIsNothingElse) {
    EXPECT_EQ(parse_descriptor("21"), 21);
    for (const char* text : {"", "x", "2", "-4", "21 ", "99999999999", "0x15"})
        EXPECT_THROW(parse_descriptor(text), Error) << text;
}

}  // namespace
}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/blocker_list.h"

#include <gtest/gtest.h>

namespace cpr::client {
namespace {

TEST(BlockerList, EndsWithNull) {
    BlockerList list = make_blocker_list({{"a", "because", "do"}, {"b", "so", ""}});
    ASSERT_NE(list.get()[0], nullptr);
    EXPECT_STREQ(list.get()[0]->id, "a");
    EXPECT_STREQ(list.get()[0]->reason, "because");
    EXPECT_STREQ(list.get()[0]->remedy, "do");
    ASSERT_NE(list.get()[1], nullptr);
    EXPECT_STREQ(list.get()[1]->remedy, "");
    EXPECT_EQ(list.get()[2], nullptr);
}

TEST(BlockerList, OfNoneIsAListAsWell) {
    BlockerList list = make_blocker_list({});
    ASSERT_NE(list.get(), nullptr);
    EXPECT_EQ(list.get()[0], nullptr);
}

TEST(BlockerList, IsFreedByTheC) {
    virDomainCprBlockerListFree(make_blocker_list({{"a", "b", "c"}}).release());
    virDomainCprBlockerListFree(nullptr);
}

}  // namespace
}  // namespace cpr::client

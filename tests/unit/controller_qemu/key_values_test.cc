// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/key_values.h"

#include <gtest/gtest.h>

namespace cpr::controller::qemu {
namespace {

using Strings = std::vector<std::string>;

class Unchanged : public testing::TestWithParam<const char*> {};

TEST_P(Unchanged, IsWrittenAsItCame) {
    EXPECT_EQ(KeyValues(GetParam(), "backend").text(), GetParam());
    EXPECT_EQ(KeyValues(GetParam(), "").text(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Texts, Unchanged,
                         testing::Values("", "a", "a,", "a,b", "socket,id=x,server,nowait",
                                         "file=/a,,b,id=x", ",", ",,", ",,,", "a,,b=c,d", "=",
                                         "=,=", "a==b", "x=,,", "x=,,,y", "flag,,x=1",
                                         "id=a,id=b"));

TEST(KeyValues, ReadsValuesFlagsAndTheFirst) {
    const KeyValues pairs("socket,id=a,path=/x,,y,server,nowait,z=", "backend");
    EXPECT_EQ(pairs.get("backend"), "socket");
    EXPECT_EQ(pairs.get("id"), "a");
    EXPECT_EQ(pairs.get("path"), "/x,y");
    EXPECT_EQ(pairs.get("server"), "on");
    EXPECT_EQ(pairs.get("wait"), "off");
    EXPECT_EQ(pairs.get("z"), "");
    EXPECT_EQ(pairs.get("fd"), std::nullopt);
    EXPECT_EQ(pairs.keys(), (Strings{"backend", "id", "path", "server", "nowait", "z"}));
}

TEST(KeyValues, AFirstValueMayHaveCommasAndAFlagHasNone) {
    EXPECT_EQ(KeyValues("a,,b=c,d", "file").get("file"), "a,b=c");
    EXPECT_EQ(KeyValues("a,,b=c,d", "").get("a"), "on");
    EXPECT_EQ(KeyValues("file=x,id=y", "driver").get("driver"), std::nullopt);
}

TEST(KeyValues, TheLastOfAKeyCounts) {
    KeyValues pairs("type=11,value=a,value=b", "");
    EXPECT_EQ(pairs.get("value"), "b");
    EXPECT_EQ(pairs.values("value"), (Strings{"a", "b"}));
    pairs.set("value", "c");
    EXPECT_EQ(pairs.text(), "type=11,value=c");
}

TEST(KeyValues, ChangesOnlyWhatIsSet) {
    KeyValues pairs("memory-backend-ram,id=r,,1,size=1G", "qom-type");
    pairs.set("qom-type", "memory-backend-memfd");
    pairs.set("share", "on");
    EXPECT_EQ(pairs.text(), "memory-backend-memfd,id=r,,1,size=1G,share=on");
    pairs.set("size", "1G");
    pairs.erase("id");
    EXPECT_EQ(pairs.text(), "memory-backend-memfd,size=1G,share=on");
}

TEST(KeyValues, WritesCommasTwiceAndAFirstValueThatLooksLikeAPairWithItsKey) {
    KeyValues pairs("a,x=1", "file");
    pairs.set("file", "b=c,d");
    EXPECT_EQ(pairs.text(), "file=b=c,,d,x=1");
    EXPECT_EQ(KeyValues(pairs.text(), "file").get("file"), "b=c,d");
    pairs.set("file", "e");
    EXPECT_EQ(pairs.text(), "file=e,x=1");
}

TEST(KeyValues, AFlagIsSetInItsPlace) {
    KeyValues pairs("socket,server,nowait,id=x", "backend");
    pairs.set("wait", "on");
    pairs.set("server", "off");
    EXPECT_EQ(pairs.text(), "socket,server=off,wait=on,id=x");
}

TEST(KeyValues, WhatIsAddedAfterAnEmptyPairIsNoPartOfTheOneBefore) {
    KeyValues pairs("path=/x,", "");
    pairs.set("id", "y");
    EXPECT_EQ(pairs.text(), "path=/x,id=y");
}

}  // namespace
}  // namespace cpr::controller::qemu

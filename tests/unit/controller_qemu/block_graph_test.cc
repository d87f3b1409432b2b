// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/block_graph.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

ArgumentModel disk_with_filter() {
    return model_of({"-machine", "q35,pflash0=f,pflash1=g", "-blockdev",
                     "file,node-name=f,filename=/f", "-blockdev", "throttle,node-name=t,file=f",
                     "-blockdev", R"({"driver":"qcow2","node-name":"o","file":"x","backing":"f"})",
                     "-device", "nvme,id=d,drive=f"});
}

TEST(BlockGraph, ReplacesANodeForAllButTheNodeThatTakesItsPlace) {
    ArgumentModel line = disk_with_filter();
    replace_users(line, "f", "t");
    EXPECT_EQ(
        arguments_of(line),
        (Arguments{"-machine", "q35,pflash0=t,pflash1=g", "-blockdev",
                   "file,node-name=f,filename=/f", "-blockdev", "throttle,node-name=t,file=f",
                   "-blockdev", R"({"driver":"qcow2","node-name":"o","file":"x","backing":"t"})",
                   "-device", "nvme,id=d,drive=t"}));
}

TEST(BlockGraph, RefusesNodesThatItDoesNotHaveAndChangesNothing) {
    ArgumentModel line = disk_with_filter();
    const Arguments before = arguments_of(line);
    EXPECT_THROW(replace_users(line, "f", "x"), Error);
    EXPECT_THROW(replace_users(line, "x", "f"), Error);
    EXPECT_THROW(drop_chain(line, "f", "x"), Error);
    EXPECT_THROW(set_backing(line, "o", "x"), Error);
    EXPECT_THROW(block_node(line, ""), Error);
    EXPECT_EQ(arguments_of(line), before);
}

TEST(BlockGraph, AChainThatIsACircleHasNoBottomAndNoOrder) {
    ArgumentModel line = model_of(
        {"-blockdev", "qcow2,node-name=a,backing=b", "-blockdev", "qcow2,node-name=b,backing=a"});
    EXPECT_THROW(bottom_of(line, "a"), Error);
    order_nodes(line);
    EXPECT_EQ(line.all("blockdev").size(), 2U);
}

}  // namespace
}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/line_checks.h"

#include <gtest/gtest.h>

#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

TEST(LineChecks, HaveNothingAgainstLibvirtsCommandLines) {
    for (const std::string& name : golden_command_lines())
        for (const Blocker& blocker : check_line(ArgumentModel::parse(golden_lines(name))))
            ADD_FAILURE() << name << ": " << blocker.reason.english();
}

struct Finding {
    Arguments arguments;
    const char* id;
    const char* text;
};

class LineCheck : public testing::TestWithParam<Finding> {};

TEST_P(LineCheck, IsABlocker) {
    const auto blockers = check_line(model_of(GetParam().arguments));
    ASSERT_EQ(blockers.size(), 1U);
    EXPECT_EQ(blockers[0].id, GetParam().id);
    EXPECT_NE(blockers[0].reason.english().find(GetParam().text), std::string::npos)
        << blockers[0].reason.english();
}

INSTANTIATE_TEST_SUITE_P(
    Lines, LineCheck,
    testing::Values(
        Finding{{"-snapshot"}, kNotReproducibleBlocker, "-snapshot"},
        Finding{
            {"-audiodev", R"({"id":"audio1","driver":"wav"})"}, kNotReproducibleBlocker, "audio1"},
        Finding{{"-mon", "a,mode=control", "-qmp", "stdio"}, kOtherMonitorBlocker, "unseen"},
        Finding{{"-mon", "a,mode=control", "-monitor", "stdio"}, kOtherMonitorBlocker, "unseen"},
        Finding{{"-mon", "a,mode=control", "-object", "monitor-hmp,id=x,chardev=b"},
                kOtherMonitorBlocker,
                "unseen"},
        Finding{{"-mon", "a,mode=control", "-serial", "mon:stdio"}, kOtherMonitorBlocker, "unseen"},
        Finding{{"-device", "e1000,id=n,netdev=h"}, kNotReproducibleBlocker, "'n' has netdev=h"},
        Finding{{"-device", "nvme,id=d,drive=x"}, kNotReproducibleBlocker, "drive=x"},
        Finding{{"-numa", "node,memdev=m"}, kNotReproducibleBlocker, "memdev=m"},
        Finding{
            {"-blockdev", "nbd,node-name=b,tls-creds=t"}, kNotReproducibleBlocker, "tls-creds=t"},
        Finding{{"-blockdev", R"({"driver":"qcow2","node-name":"b","encrypt":{"key-secret":"k"}})"},
                kNotReproducibleBlocker,
                "key-secret=k"},
        Finding{{"-chardev", "file,id=c,path=/dev/fdset/7"}, kDescriptorBlocker, "/dev/fdset/7"}));

TEST(LineChecks, HaveNothingAgainstWhatIsThere) {
    EXPECT_TRUE(
        check_line(model_of({"-mon", "a,mode=control", "-monitor", "none", "-serial", "null",
                             "-netdev", "user,id=h", "-device", "e1000,netdev=h", "-drive",
                             "id=x,if=none", "-device", "nvme,drive=x", "-object", "secret,id=k",
                             "-blockdev", R"({"driver":"luks","node-name":"b","key-secret":"k"})"}))
            .empty());
}

}  // namespace
}  // namespace cpr::controller::qemu

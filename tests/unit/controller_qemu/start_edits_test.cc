// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/start_edits.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

TEST(PrivateMonitor, TakesThePlaceOfLibvirtsInBothForms) {
    for (const char* name : {"default.args", "vfio.args"}) {
        const Arguments before = golden_lines(name);
        ArgumentModel model = ArgumentModel::parse(before);
        set_private_monitor(model, 7);
        set_private_monitor(model, 7);
        Arguments expected = before;
        for (std::string& argument : expected)
            if (argument.starts_with("socket,id=charmonitor,"))
                argument = "socket,id=charmonitor,fd=7";
        EXPECT_NE(before, expected);
        EXPECT_EQ(model.write(), expected) << name;
        set_private_monitor(model, 9);
        EXPECT_EQ(argument_of(model, "chardev", "charmonitor"), "socket,id=charmonitor,fd=9");
    }
}

class NoMonitor : public testing::TestWithParam<Arguments> {};

TEST_P(NoMonitor, IsRefused) {
    ArgumentModel model = model_of(GetParam());
    EXPECT_THROW(set_private_monitor(model, 7), Error);
}

const Arguments kMonitor{"-chardev", "socket,id=charmonitor,fd=3", "-mon",
                         "chardev=charmonitor,mode=control"};

Arguments operator+(Arguments a, const Arguments& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

INSTANTIATE_TEST_SUITE_P(
    CommandLines, NoMonitor,
    testing::Values(Arguments{"-S"}, Arguments{"-chardev", "socket,id=charmonitor,fd=3"},
                    Arguments{"-mon", "chardev=charmonitor,mode=control"},
                    Arguments{"-chardev", "socket,id=charmonitor,fd=3", "-mon", "charmonitor"},
                    kMonitor + kMonitor,
                    kMonitor + Arguments{"-object", "monitor-qmp,id=m,chardev=charmonitor"}));

TEST(Incoming, IsDeferredAndTheGuestStopped) {
    ArgumentModel model =
        model_of({"-incoming", "tcp:0:1", "-loadvm", "s", "-m", "1", "--incoming", "defer"});
    set_incoming(model);
    set_incoming(model);
    EXPECT_EQ(arguments_of(model), (Arguments{"-m", "1", "-S", "-incoming", "defer"}));
}

TEST(Incoming, HasTheChannelOfDescriptors) {
    ArgumentModel model = model_of({"-S"});
    set_incoming(model, {9});
    set_incoming(model, {9});
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-S", "-incoming", "defer", "-incoming",
                         R"({"channel-type":"cpr","addr":{"transport":"socket","type":"fd",)"
                         R"("str":"9"}})"}));
    set_incoming(model, {"/run/cpr.sock"});
    EXPECT_EQ(arguments_of(model).back(),
              R"({"channel-type":"cpr","addr":{"transport":"socket","type":"unix",)"
              R"("path":"/run/cpr.sock"}})");
    set_incoming(model);
    EXPECT_EQ(arguments_of(model), (Arguments{"-S", "-incoming", "defer"}));
}

}  // namespace
}  // namespace cpr::controller::qemu

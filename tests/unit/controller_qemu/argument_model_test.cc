// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/argument_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

TEST(ArgumentModel, WritesWhatItReadByteForByte) {
    const auto names = golden_command_lines();
    EXPECT_GE(names.size(), 8U);
    for (const std::string& name : names) {
        const Arguments argv = golden_lines(name);
        EXPECT_EQ(ArgumentModel::parse(argv).write(), argv) << name;
    }
    const Arguments odd{"q",
                        "--device",
                        "{ \"driver\" : \"e1000\",\t\"id\":\"n\" }",
                        "--no-reboot",
                        "-append",
                        "{not json, -S",
                        "-drive",
                        "if=none,,x,file=/a,,b",
                        "-M",
                        "q35",
                        "-netdev",
                        "user,id=u,"};
    EXPECT_EQ(ArgumentModel::parse(odd).write(), odd);
}

TEST(ArgumentModel, FindsOptionsInBothForms) {
    const ArgumentModel model =
        model_of({"-device", "virtio-net-pci,id=n0,mq", "--device",
                  R"({"driver":"virtio-blk-pci","id":"d0","bootindex":1,"x":true,"l":[1]})",
                  "-blockdev", R"({"driver":"file","node-name":"f","filename":"/a,b"})"});
    ASSERT_EQ(model.all("device").size(), 2U);
    EXPECT_EQ(model.find("device", "n0")->value("driver"), "virtio-net-pci");
    EXPECT_TRUE(model.find("device", "n0")->is_on("mq"));
    const Option& json = *model.find("device", "d0");
    EXPECT_EQ(json.get("bootindex"), "1");
    EXPECT_TRUE(json.is_on("x"));
    EXPECT_EQ(json.get("l"), std::nullopt);
    EXPECT_EQ(model.find("blockdev", "f")->value("filename"), "/a,b");
    EXPECT_EQ(model.find("device", "f"), nullptr);
    EXPECT_EQ(model.find("device", ""), nullptr);
}

TEST(ArgumentModel, AMachineIsTheSumOfItsOptions) {
    ArgumentModel model = model_of({"-M", "q35,usb=off", "-machine", "usb=on,acpi=off"});
    EXPECT_EQ(model.machine_property("type"), "q35");
    EXPECT_EQ(model.machine_property("usb"), "on");
    EXPECT_EQ(model.machine_property("memory-backend"), "");
    model.set_machine_property("type", "pc");
    model.set_machine_property("usb", false);
    model.set_machine_property("smm", true);
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-M", "pc,usb=off", "-machine", "usb=off,acpi=off,smm=on"}));
    ArgumentModel none = model_of({"-S"});
    none.set_machine_property("smm", true);
    EXPECT_EQ(arguments_of(none), (Arguments{"-S", "-machine", "smm=on"}));
}

TEST(ArgumentModel, AnEditKeepsTheForm) {
    ArgumentModel model = model_of({"-device", "e1000,id=a,mac=1", "--device",
                                    R"({ "driver":"e1000" , "id":"b","big":18446744073709551615 })",
                                    "-device", R"({ "driver":"e1000" , "id":"c" })"});
    model.find("device", "a")->set("bootindex", 3);
    model.find("device", "b")->set("bootindex", 3);
    model.find("device", "b")->set("flag", true);
    model.find("device", "c")->set("driver", "e1000");
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-device", "e1000,id=a,mac=1,bootindex=3", "--device",
                         R"({"driver":"e1000","id":"b","big":18446744073709551615,)"
                         R"("bootindex":3,"flag":true})",
                         "-device", R"({ "driver":"e1000" , "id":"c" })"}));
    model.find("device", "b")->erase("flag");
    EXPECT_EQ(model.find("device", "b")->get("flag"), std::nullopt);
    EXPECT_EQ(model.erase("device", "b"), 1U);
    EXPECT_EQ(model.erase("device", "b"), 0U);
    EXPECT_EQ(model.all("device").size(), 2U);
}

TEST(ArgumentModel, PlacesOptions) {
    ArgumentModel model = model_of({"-S", "-m", "1"});
    Option& last = model.append(Option::make_json("object", {{"qom-type", "secret"}}));
    model.insert_before(last, Option::make("nodefaults"));
    model.move_behind(last, *model.all("S").front());
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-S", "-object", R"({"qom-type":"secret"})", "-m", "1", "-nodefaults"}));
}

TEST(ArgumentModel, TextCannotBeSet) {
    ArgumentModel model = model_of({"-append", "a=b", "-chardev", "null,id=c"});
    EXPECT_THROW(model.all("append")[0]->set("a", "c"), Error);
    EXPECT_THROW(model.find("chardev", "c")->set("a", Object::array()), Error);
}

class Unknown : public testing::TestWithParam<Arguments> {};

TEST_P(Unknown, IsRefusedByName) {
    try {
        model_of(GetParam());
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_NE(error.message().find(GetParam().back()), std::string::npos) << error.message();
    }
}

INSTANTIATE_TEST_SUITE_P(Arguments, Unknown,
                         testing::Values(Arguments{"-S", "-frobnicate"}, Arguments{"-readconfig"},
                                         Arguments{"disk.img"}, Arguments{"-"}, Arguments{"---S"},
                                         Arguments{"-m"}, Arguments{"-device", "{\"driver\":"},
                                         Arguments{"-object", "{'qom-type':'x'}"}, Arguments{""}));

TEST(ArgumentModel, AnOptionWithoutArgumentTakesNone) {
    const ArgumentModel model = model_of({"-S", "-no-shutdown", "-daemonize", "-m", "-S"});
    EXPECT_EQ(model.all("S").size(), 1U);
    EXPECT_EQ(model.all("m")[0]->value("size"), "-S");
    EXPECT_THROW(ArgumentModel::parse({}), Error);
}

}  // namespace
}  // namespace cpr::controller::qemu

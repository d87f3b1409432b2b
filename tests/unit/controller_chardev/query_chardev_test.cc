// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "unit/controller_chardev/devices_fixture.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

class QueryChardev : public DevicesTest {};

TEST_F(QueryChardev, HasTheNamesOfTheOuterEnds) {
    start({"pty,id=a", "pty,id=m,mux=on", "socket,id=s,server=on,wait=off,path=" + path_});
    const auto entry = [](const std::string& label, const std::string& filename) {
        return json{{"label", label}, {"filename", filename}, {"frontend-open", label == "a"}};
    };
    json answer{{"return",
                 {entry("a", "unix:"), entry("m", "mux"), entry("m-base", "unix:"),
                  entry("s", "unix:"), entry("charmonitor", "unix:/m,server=on")}},
                {"id", "7"}};
    devices_->edit_query_chardev(answer);
    EXPECT_EQ(answer, (json{{"return",
                             {entry("a", name("a")), entry("m", "mux"), entry("m-base", name("m")),
                              entry("s", "disconnected:unix:" + path_ + ",server=on"),
                              entry("charmonitor", "unix:/m,server=on")}},
                            {"id", "7"}}));
    EXPECT_FALSE(devices_->outer_name("charmonitor"));
    EXPECT_FALSE(devices_->outer_name("m-base"));
}

TEST_F(QueryChardev, StaysAsItIsIfItIsNoList) {
    start({"pty,id=a"});
    for (const json& before :
         {json{{"error", {{"class", "GenericError"}}}}, json{{"return", json::object()}},
          json{{"return", {1, json::object(), {{"label", 5}}}}}, json::array(), json()}) {
        json answer = before;
        devices_->edit_query_chardev(answer);
        EXPECT_EQ(answer, before);
    }
}

}  // namespace
}  // namespace cpr::controller

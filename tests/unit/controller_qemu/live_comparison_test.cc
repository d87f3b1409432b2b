// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/live_comparison.h"

#include <algorithm>

#include "unit/controller_qemu/follower_fixture.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

LiveAnswers golden_answers() {
    return {golden_json("live-peripherals.json"), golden_json("live-nodes.json"),
            golden_json("live-block.json")};
}

// Reads a conversation that libvirt and QEMU have had.
MonitorFollower follow(const std::string& start, const std::string& name) {
    MonitorFollower follower(ArgumentModel::parse(golden_lines(start)));
    std::map<std::string, MonitorFollower::Ticket> tickets;
    for (const std::string& line : golden_lines(name)) {
        const json message = json::parse(line);
        const std::string id = message.value("id", "");
        if (message.contains("execute"))
            tickets[id] = follower.on_command(message, message.value("descriptors", size_t{0}));
        else if (message.contains("event"))
            follower.on_event(message);
        else
            follower.on_answer(tickets.at(id), message);
    }
    return follower;
}

std::vector<Blocker> compare(const MonitorFollower& follower, const LiveAnswers& live) {
    return compare_with_live(follower.command_line([](Serial) { return 50; }), live);
}

void expect_agreement(const MonitorFollower& follower, const LiveAnswers& live) {
    for (const Blocker& blocker : follower.blockers())
        ADD_FAILURE() << blocker.id << ": " << blocker.reason.english();
    for (const Blocker& blocker : compare(follower, live))
        ADD_FAILURE() << blocker.id << ": " << blocker.reason.english();
}

TEST(Conversation, OfLibvirtLeadsToWhatQemuSays) {
    expect_agreement(follow("default.args", "default.monitor"), golden_answers());
}

TEST(Conversation, OnChainsOfImagesLeadsToWhatQemuSays) {
    for (const std::string name : {"chains-half", "chains-end"}) {
        const json live = golden_json(name + ".live.json");
        expect_agreement(follow("chains.args", name + ".monitor"), {live[0], live[1], live[2]});
    }
}

TEST(Conversation, GivesTheCommandLineOfTheGuestAsItIs) {
    const MonitorFollower follower = follow("default.args", "default.monitor");
    const ArgumentModel line =
        follower.command_line([](Serial serial) { return 40 + static_cast<int>(serial); });
    EXPECT_EQ(line.find("device", "virtio-disk0")->value("drive"), "libvirt-9-format");
    EXPECT_EQ(line.find("device", "sata0-0-0")->value("drive"), "libvirt-6-storage");
    EXPECT_EQ(argument_of(line, "netdev", "hostnet2"),
              R"({"fd":"41","id":"hostnet2","type":"tap"})");
    EXPECT_EQ(line.find("device", "vcpu1")->value("driver"), "qemu64-x86_64-cpu");
    EXPECT_EQ(line.find("object", "iothread5"), nullptr);
    EXPECT_EQ(line.find("device", "ua-m"), nullptr);
    EXPECT_EQ(line.find("chardev", "charchannel1"), nullptr);
    EXPECT_EQ(line.all("blockdev").size(), 4U);
    // What was not touched is as it was.
    const Arguments start = golden_lines("default.args");
    const Arguments now = line.write();
    for (const std::string& argument : start)
        if (argument.find("libvirt-") == std::string::npos) {
            EXPECT_NE(std::ranges::find(now, argument), now.end()) << argument;
        }
    const Arguments commands = [&] {
        Arguments names;
        for (const json& command : follower.replays())
            names.push_back(command["execute"]);
        return names;
    }();
    EXPECT_EQ(commands, (Arguments{"migrate-set-capabilities", "block_set_io_throttle", "set_link",
                                   "qom-set", "set_password", "expire_password"}));
}

class Comparison : public testing::Test {
  protected:
    // The only finding.
    std::string finding() const {
        const auto found = compare_with_live(model_, live_);
        EXPECT_EQ(found.size(), 1U);
        for (const Blocker& blocker : found)
            EXPECT_EQ(blocker.id, kStateDiffersBlocker) << blocker.reason.english();
        return found.empty() ? "" : found[0].reason.english();
    }
    bool agrees() const { return compare_with_live(model_, live_).empty(); }
    void expect_finding(const char* text) const {
        const std::string reason = finding();
        EXPECT_NE(reason.find(text), std::string::npos) << reason;
    }

    ArgumentModel model_ = model_of(
        {"-blockdev", R"({"driver":"file","node-name":"s","filename":"/x","read-only":true})",
         "-blockdev", R"({"driver":"qcow2","node-name":"f","file":"s","backing":null})", "-device",
         "virtio-blk,id=d,drive=f", "-device", "ide-cd,id=cd"});
    LiveAnswers live_{
        json::array({{{"name", "type"}, {"type", "string"}},
                     {{"name", "d"}, {"type", "child<virtio-blk-pci>"}},
                     {{"name", "cd"}, {"type", "child<ide-cd>"}}}),
        json::array(
            {{{"node-name", "f"},
              {"drv", "qcow2"},
              {"ro", false},
              {"children", json::array({{{"child", "file"}, {"node-name", "s"}}})}},
             {{"node-name", "s"}, {"drv", "file"}, {"ro", true}, {"children", json::array()}}}),
        json::array(
            {{{"qdev", "/machine/peripheral/d/virtio-backend"}, {"inserted", {{"node-name", "f"}}}},
             {{"qdev", "cd"}}})};
};

TEST_F(Comparison, AgreesWithWhatIsSo) {
    EXPECT_TRUE(agrees());
}

TEST_F(Comparison, FindsDevices) {
    live_.peripherals.push_back({{"name", "x"}, {"type", "child<e1000>"}});
    expect_finding("'x' (e1000) is not known");
    live_.peripherals.erase(3);
    live_.peripherals[1]["type"] = "child<nvme>";
    expect_finding("is a nvme");
    live_.peripherals.erase(1);
    expect_finding("'d' is not there");
}

TEST_F(Comparison, FindsNodes) {
    live_.nodes.push_back({{"node-name", "#block1"}, {"drv", "raw"}});
    expect_finding("'#block1' is not known");
    live_.nodes[2]["node-name"] = "z";
    expect_finding("'z' is not known");
    live_.nodes.erase(2);
    model_.append(Option::make("blockdev", "null-co,node-name=n"));
    expect_finding("'n' is not there");
}

TEST_F(Comparison, FindsWhatANodeIs) {
    live_.nodes[0]["drv"] = "raw";
    expect_finding("driver raw");
    live_.nodes[0]["drv"] = "qcow2";
    live_.nodes[1]["ro"] = false;
    expect_finding("is not read-only");
    model_.find("blockdev", "s")->set("auto-read-only", true);
    EXPECT_TRUE(agrees());
    live_.nodes[0]["children"].push_back({{"child", "backing"}, {"node-name", "s"}});
    expect_finding("'s' as its backing");
    live_.nodes[0]["children"] = json::array();
    expect_finding("'' as its file");
    live_.nodes[0].erase("children");
    EXPECT_TRUE(agrees()) << "before QEMU 10.1";
}

TEST_F(Comparison, FindsDisks) {
    live_.disks[0]["inserted"]["node-name"] = "s";
    expect_finding("has the disk 's', not 'f'");
    live_.disks.erase(0);
    expect_finding("has the disk '', not 'f'");
    live_.disks.push_back(
        {{"qdev", "/machine/peripheral/d/virtio-backend"}, {"inserted", {{"node-name", "f"}}}});
    live_.disks[0]["inserted"] = {{"node-name", "s"}};
    expect_finding("'cd' has the disk 's', not ''");
}

TEST_F(Comparison, KnowsNodesWithinNodesAndOldDrives) {
    model_.append(Option::make(
        "blockdev",
        R"({"driver":"raw","node-name":"o","file":{"driver":"file","filename":"/i","node-name":"i"}})"));
    live_.nodes.push_back({{"node-name", "o"}, {"drv", "raw"}});
    live_.nodes.push_back({{"node-name", "i"}, {"drv", "file"}});
    EXPECT_TRUE(agrees());
    model_.append(Option::make("drive", "id=v,if=none,file=/v"));
    model_.append(Option::make("device", "virtio-blk-pci,id=vd,drive=v"));
    live_.peripherals.push_back({{"name", "vd"}, {"type", "child<virtio-blk-pci>"}});
    live_.nodes.push_back({{"node-name", "#block7"}, {"drv", "raw"}});
    EXPECT_TRUE(agrees());
}

TEST_F(Comparison, FindsWhatWouldBeLost) {
    live_.nodes[0]["dirty-bitmaps"] = json::array({{{"name", "a"}, {"persistent", true}},
                                                   {{"name", "b"}, {"persistent", false}},
                                                   {{"persistent", false}}});
    live_.nodes[1]["active"] = false;
    const auto found = compare_with_live(model_, live_);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].id, kBitmapBlocker);
    EXPECT_NE(found[0].reason.english().find("'b'"), std::string::npos);
    EXPECT_EQ(found[1].id, kInactiveBlocker);
}

TEST_F(Comparison, RefusesAnswersOfAnotherForm) {
    live_.disks = json::object();
    expect_finding("no list");
}

}  // namespace
}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <ctime>

#include "controller/qemu/command_rules.h"
#include "controller/qemu/migration_source.h"
#include "unit/controller_qemu/follower_fixture.h"

namespace cpr::controller::qemu {
namespace {

class FollowSettings : public FollowerTest {
  protected:
    // Command and arguments of each, on a line.
    Arguments replays() const {
        Arguments lines;
        for (const json& command : follower_.replays())
            lines.push_back(command["execute"].get<std::string>() + ' ' +
                            command["arguments"].dump());
        return lines;
    }
};

TEST_F(FollowSettings, TheLastOfEachIsGivenAgainInOrder) {
    run("set_password", {{"protocol", "vnc"}, {"password", "a"}});
    run("set_link", {{"name", "net0"}, {"up", false}});
    run("set_password", {{"protocol", "vnc"}, {"password", "b"}});
    run("expire_password", {{"protocol", "vnc"}, {"time", "never"}});
    EXPECT_EQ(replays(), (Arguments{R"(set_link {"name":"net0","up":false})",
                                    R"(set_password {"password":"b","protocol":"vnc"})",
                                    R"(expire_password {"protocol":"vnc","time":"never"})"}));
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowSettings, APasswordEndsWhenItWasToEnd) {
    const auto before = std::time(nullptr);
    run("expire_password", {{"protocol", "vnc"}, {"time", "+30"}});
    ASSERT_EQ(follower_.replays().size(), 1U);
    const std::string time = follower_.replays()[0]["arguments"]["time"].get<std::string>();
    EXPECT_GE(std::stoll(time), before + 30);
    EXPECT_LE(std::stoll(time), std::time(nullptr) + 30);
    EXPECT_TRUE(blockers().empty());
    run("expire_password", {{"protocol", "vnc"}, {"time", "+x"}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowSettings, GoWithTheirDevice) {
    start({"-device", "virtio-blk-pci,id=d", "-device", "virtio-blk-pci,id=dd"});
    for (const char* id : {"d", "dd"}) {
        const std::string path = std::string("/machine/peripheral/") + id;
        run("block_set_io_throttle", {{"id", path + "/virtio-backend"}, {"bps", 1}});
        run("qom-set", {{"path", path}, {"property", "requested-size"}, {"value", 1}});
        run("qom-set", {{"path", path}, {"property", "other"}, {"value", 1}});
        run("set_link", {{"name", id}, {"up", true}});
    }
    EXPECT_EQ(replays().size(), 6U);
    EXPECT_EQ(blockers(), (Arguments{kNotReproducibleBlocker, kNotReproducibleBlocker}));
    event("DEVICE_DELETED", {{"device", "d"}});
    EXPECT_EQ(replays().size(), 3U);
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    for (const std::string& line : replays())
        EXPECT_NE(line.find("dd"), std::string::npos) << line;
}

TEST_F(FollowSettings, GoWithTheirObjectOrNode) {
    run("object-add", {{"qom-type", "iothread"}, {"id", "t"}});
    run("qom-set", {{"path", "/objects/t"}, {"property", "poll-max-ns"}, {"value", 1}});
    run("blockdev-add", {{"driver", "null-co"}, {"node-name", "n"}});
    run("block-set-write-threshold", {{"node-name", "n"}, {"write-threshold", 1}});
    EXPECT_EQ(replays().size(), 2U);
    run("object-del", {{"id", "t"}});
    run("blockdev-del", {{"node-name", "n"}});
    EXPECT_TRUE(replays().empty());
}

TEST_F(FollowSettings, OfMigrationAreKeptOneByOneLessTheUpdatesOwn) {
    run("migrate-set-capabilities",
        {{"capabilities", json::array({{{"capability", "events"}, {"state", true}},
                                       {{"capability", "xbzrle"}, {"state", true}}})}});
    run("migrate-set-capabilities",
        {{"capabilities", json::array({{{"capability", "xbzrle"}, {"state", false}}})}});
    run("migrate-set-parameters", {{"max-bandwidth", 1}, {"mode", "cpr-exec"}});
    EXPECT_EQ(
        replays(),
        (Arguments{
            R"(migrate-set-capabilities {"capabilities":[{"capability":"events","state":true}]})",
            R"(migrate-set-capabilities {"capabilities":[{"capability":"xbzrle","state":false}]})",
            R"(migrate-set-parameters {"max-bandwidth":1})"}));
}

TEST_F(FollowSettings, ActionsAreKeptOneByOne) {
    run("set-action", {{"reboot", "reset"}, {"panic", "pause"}});
    run("set-action", {{"reboot", "shutdown"}});
    EXPECT_EQ(replays(), (Arguments{R"(set-action {"panic":"pause"})",
                                    R"(set-action {"reboot":"shutdown"})"}));
}

TEST_F(FollowSettings, AnUnknownCommandIsABlockerByName) {
    run("frobnicate-guest");
    EXPECT_EQ(blockers(), Arguments{kCommandUnknownBlocker});
    EXPECT_NE(reason().find("'frobnicate-guest'"), std::string::npos);
    run("frobnicate-guest");
    EXPECT_EQ(blockers().size(), 1U);
    start({});
    run("query-whatever");
    run("x-query-whatever");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowSettings, TheTableHasAllCommandsOfQemu) {
    EXPECT_EQ(rule_for("device_del").effect, CommandEffect::kNone);
    EXPECT_EQ(rule_for("set_link").effect, CommandEffect::kReplayed);
    EXPECT_EQ(rule_for("display-update").effect, CommandEffect::kBlocks);
    // Of other machines and of hardware that cannot be carried over.
    for (const char* command : {"set-cpu-topology", "set-numa-node", "sev-inject-launch-secret",
                                "cxl-inject-poison", "xen-event-inject", "replay-break"})
        EXPECT_EQ(rule_for(command).effect, CommandEffect::kUnknown) << command;
}

TEST_F(FollowSettings, MigrationAndDumpsAreBlockersWhileTheyLast) {
    run("migrate", {{"uri", "unix:/x"}});
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    event("MIGRATION", {{"status", "active"}});
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    event("MIGRATION", {{"status", "cancelled"}});
    EXPECT_TRUE(blockers().empty());
    run("migrate", {{"uri", "unix:/x"}});
    run("query-migrate", {}, {{"status", "completed"}});
    EXPECT_TRUE(blockers().empty());
    run("dump-guest-memory", {{"protocol", "file:/x"}});
    EXPECT_TRUE(blockers().empty());
    run("dump-guest-memory", {{"protocol", "file:/x"}, {"detach", true}});
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    event("DUMP_COMPLETED", {{"result", json::object()}});
    EXPECT_TRUE(blockers().empty());
    run("set-vcpu-dirty-limit", {{"dirty-rate", 1}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    run("cancel-vcpu-dirty-limit", {{"cpu-index", 0}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    run("cancel-vcpu-dirty-limit");
    EXPECT_TRUE(blockers().empty());
}

class HumanMonitor : public FollowerTest {
  protected:
    void say(const std::string& line, const std::string& answer = "") {
        run("human-monitor-command", {{"command-line", line}}, answer);
    }
};

TEST_F(HumanMonitor, MayBeAskedAndSaveSnapshots) {
    for (const char* line :
         {"info status", "  info qtree", "help", "x /4 0", "savevm a", "delvm a", "", "xp /1 0"})
        say(line);
    EXPECT_TRUE(blockers().empty());
}

TEST_F(HumanMonitor, AnythingElseIsABlockerByName) {
    say("device_add e1000");
    say("informal");
    EXPECT_EQ(blockers(), (Arguments{kHumanMonitorBlocker, kHumanMonitorBlocker}));
    EXPECT_NE(reason().find("'device_add'"), std::string::npos);
}

TEST_F(HumanMonitor, AddsAndRemovesDrives) {
    say("drive_add 0 if=none,id=x,file=/x", "OK\r\n");
    say("drive_add 0 if=none,id=y,file=/y", "could not open");
    EXPECT_EQ(arguments(), (Arguments{"-drive", "if=none,id=x,file=/x"}));
    run("device_add", {{"driver", "virtio-blk-pci"}, {"id", "d"}, {"drive", "x"}});
    event("DEVICE_DELETED", {{"device", "d"}});
    EXPECT_TRUE(arguments().empty()) << "QEMU drops the drive with its device";
    say("drive_add 0 if=none,id=x,file=/x", "OK\r\n");
    say("drive_del x");
    EXPECT_TRUE(arguments().empty());
    EXPECT_TRUE(blockers().empty());
    say("drive_add -n 0 if=none,id=x,file=/x", "OK\r\n");
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST(CommandLineBlocker, NamesTheReason) {
    EXPECT_EQ(unreadable_command_line("why").id, kCommandLineBlocker);
    EXPECT_EQ(to_json(unreadable_command_line("why"))["reason"], "why");
}

nlohmann::json set_capability(const char* name, bool state) {
    return {
        {"execute", "migrate-set-capabilities"},
        {"arguments",
         {{"capabilities", nlohmann::json::array({{{"capability", name}, {"state", state}}})}}}};
}

TEST(MigrationCapabilities, ThoseThatAnUpdateHasSetAreNotGivenAgain) {
    EXPECT_TRUE(sets_as_for_transfer(set_capability("events", true)));
    EXPECT_TRUE(sets_as_for_transfer(set_capability("return-path", true)));
    EXPECT_TRUE(sets_as_for_transfer(set_capability("xbzrle", false)));
    EXPECT_TRUE(sets_as_for_exec(set_capability("events", true)));
    EXPECT_TRUE(sets_as_for_exec(set_capability("return-path", false)));
}

TEST(MigrationCapabilities, OthersAre) {
    EXPECT_FALSE(sets_as_for_transfer(set_capability("events", false)));
    EXPECT_FALSE(sets_as_for_transfer(set_capability("xbzrle", true)));
    EXPECT_FALSE(sets_as_for_exec(set_capability("return-path", true)));
    EXPECT_FALSE(sets_as_for_exec(
        {{"execute", "set_link"}, {"arguments", {{"name", "net0"}, {"up", false}}}}));
}

}  // namespace
}  // namespace cpr::controller::qemu

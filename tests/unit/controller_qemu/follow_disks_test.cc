// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/controller_qemu/follower_fixture.h"

namespace cpr::controller::qemu {
namespace {

// A disk "d" on the node "f1", which is in the file "s1".
class FollowDisks : public FollowerTest {
  protected:
    FollowDisks() {
        start({"-blockdev", R"({"driver":"file","node-name":"s1","filename":"/1"})", "-blockdev",
               R"({"driver":"qcow2","node-name":"f1","file":"s1","backing":null})", "-device",
               R"({"driver":"virtio-blk-pci","id":"d","drive":"f1"})"});
    }

    void add_node(const std::string& number) {
        run("blockdev-add",
            {{"driver", "file"}, {"node-name", "s" + number}, {"filename", "/" + number}});
        run("blockdev-add", {{"driver", "qcow2"},
                             {"node-name", "f" + number},
                             {"file", "s" + number},
                             {"backing", nullptr}});
    }
    void snapshot(const std::string& node, const std::string& overlay) {
        run("transaction",
            {{"actions", json::array({{{"type", "blockdev-snapshot"},
                                       {"data", {{"node", node}, {"overlay", overlay}}}}})}});
    }
    // f3 on f2 on f1
    void build_chain() {
        add_node("2");
        snapshot("f1", "f2");
        add_node("3");
        snapshot("f2", "f3");
    }
    std::string drive() const { return line().find("device", "d")->value("drive"); }
    std::string backing(const std::string& node) const {
        return line().find("blockdev", node)->value("backing");
    }
    // The node is written behind another.
    bool is_behind(const std::string& node, const std::string& other) const {
        const ArgumentModel model = line();
        const auto nodes = model.all("blockdev");
        const auto place = [&](const std::string& name) {
            return std::ranges::find(nodes, name, [](const Option* o) { return o->id(); });
        };
        return place(node) > place(other);
    }
};

TEST_F(FollowDisks, NodesComeAndGo) {
    add_node("2");
    EXPECT_EQ(argument("blockdev", "f2"),
              R"({"backing":null,"driver":"qcow2","file":"s2","node-name":"f2"})");
    run("blockdev-del", {{"node-name", "f2"}});
    run("blockdev-del", {{"node-name", "s2"}});
    EXPECT_EQ(line().all("blockdev").size(), 2U);
    EXPECT_TRUE(blockers().empty());
    run("blockdev-del", {{"node-name", "elsewhere"}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDisks, ASnapshotPutsTheOverlayInFront) {
    add_node("2");
    snapshot("f1", "f2");
    EXPECT_EQ(drive(), "f2");
    EXPECT_EQ(backing("f2"), "f1");
    EXPECT_EQ(backing("f1"), "");
    EXPECT_TRUE(line().find("blockdev", "f1")->is_on("read-only")) << "as QEMU has it then";
    snapshot("f2", "nobody");
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    EXPECT_NE(reason().find("nobody"), std::string::npos);
}

TEST_F(FollowDisks, ACommitOfWhatTheGuestWritesToEndsWhenItIsTold) {
    build_chain();
    run("block-commit",
        {{"device", "f3"}, {"job-id", "j"}, {"top-node", "f3"}, {"base-node", "f1"}});
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    job("j", "ready");
    run("job-complete", {{"id", "j"}});
    EXPECT_EQ(drive(), "f3");
    job("j", "concluded");
    EXPECT_EQ(drive(), "f1");
    EXPECT_FALSE(line().find("blockdev", "f1")->is_on("read-only"));
    EXPECT_EQ(blockers(), Arguments{kJobBlocker}) << "until it is dismissed";
    job("j", "null");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDisks, ACommitBelowClosesTheGap) {
    build_chain();
    run("block-commit",
        {{"device", "f3"}, {"job-id", "j"}, {"top-node", "f2"}, {"base-node", "f1"}});
    finish_job("j");
    EXPECT_EQ(drive(), "f3");
    EXPECT_EQ(backing("f3"), "f1");
}

TEST_F(FollowDisks, ACommitWithoutBaseGoesToTheBottom) {
    build_chain();
    run("block-commit", {{"device", "f3"}, {"job-id", "j"}, {"top-node", "f2"}});
    finish_job("j");
    EXPECT_EQ(backing("f3"), "f1");
}

TEST_F(FollowDisks, AStreamCutsTheChain) {
    build_chain();
    run("block-stream", {{"device", "f3"}, {"job-id", "j"}, {"base-node", "f1"}});
    finish_job("j");
    EXPECT_EQ(backing("f3"), "f1");
    run("block-stream", {{"device", "f3"}, {"job-id", "k"}});
    finish_job("k");
    EXPECT_EQ(line().find("blockdev", "f3")->object()->at("backing"), nullptr);
}

class MirrorEnd : public FollowDisks {
  protected:
    MirrorEnd() {
        add_node("2");
        run("blockdev-mirror",
            {{"device", "f1"}, {"job-id", "j"}, {"target", "f2"}, {"sync", "full"}});
        job("j", "ready");
    }
};

TEST_F(MirrorEnd, OfOneThatIsCompletedIsAtTheTarget) {
    run("job-complete", {{"id", "j"}});
    job("j", "concluded");
    EXPECT_EQ(drive(), "f2");
}

TEST_F(MirrorEnd, MayComeBeforeTheAnswer) {
    const auto ticket =
        follower_.on_command({{"execute", "job-complete"}, {"arguments", {{"id", "j"}}}});
    job("j", "concluded");
    follower_.on_answer(ticket, {{"return", json::object()}});
    EXPECT_EQ(drive(), "f2");
    job("j", "null");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(MirrorEnd, OfOneThatIsCancelledOrFailsIsWhereItWas) {
    run("block-job-cancel", {{"device", "j"}});
    job("j", "concluded");
    job("j", "null");
    EXPECT_EQ(drive(), "f1");
    EXPECT_TRUE(blockers().empty());
    run("blockdev-mirror", {{"device", "f1"}, {"job-id", "k"}, {"target", "f2"}});
    run("job-complete", {{"id", "k"}});
    job("k", "aborting");
    job("k", "concluded");
    job("k", "null");
    EXPECT_EQ(drive(), "f1");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(MirrorEnd, ThatNobodyAskedForIsABlocker) {
    job("j", "concluded");
    job("j", "null");
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDisks, ACommandThatFailsMakesNoJob) {
    fail("block-stream", {{"device", "f1"}, {"job-id", "j"}});
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDisks, AJobMayEndBeforeItsAnswer) {
    build_chain();
    const auto ticket = follower_.on_command(
        {{"execute", "block-stream"}, {"arguments", {{"device", "f3"}, {"job-id", "j"}}}});
    finish_job("j");
    job("j", "null");
    EXPECT_EQ(backing("f3"), "f2");
    follower_.on_answer(ticket, {{"return", json::object()}});
    EXPECT_EQ(backing("f3"), "");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDisks, AJobThatNobodyHasStartedIsABlocker) {
    job("j", "created");
    EXPECT_EQ(blockers(), Arguments{kJobBlocker});
    job("j", "concluded");
    job("j", "null");
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDisks, AJobByFileNamesIsABlocker) {
    build_chain();
    run("block-stream", {{"device", "f3"}, {"job-id", "j"}, {"base", "/1"}});
    EXPECT_EQ(blockers(), (Arguments{kNotReproducibleBlocker, kJobBlocker}));
    finish_job("j");
    job("j", "null");
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
    EXPECT_EQ(backing("f3"), "f2");
}

TEST_F(FollowDisks, ABackupIsAJobAsWellInATransaction) {
    add_node("2");
    run("transaction",
        {{"actions", json::array({{{"type", "blockdev-backup"},
                                   {"data", {{"device", "f1"}, {"job-id", "b"}, {"target", "f2"}}}},
                                  {{"type", "block-dirty-bitmap-add"},
                                   {"data", {{"node", "f1"}, {"name", "t"}}}}})}});
    EXPECT_EQ(blockers(), (Arguments{kJobBlocker, kBitmapBlocker}));
    finish_job("b");
    job("b", "null");
    EXPECT_EQ(blockers(), Arguments{kBitmapBlocker});
    run("block-dirty-bitmap-remove", {{"node", "f1"}, {"name", "t"}});
    EXPECT_TRUE(blockers().empty());
    EXPECT_EQ(drive(), "f1");
}

TEST_F(FollowDisks, ATransactionIsFollowedAsFarAsItIsKnown) {
    add_node("2");
    run("transaction",
        {{"actions", json::array({{{"type", "new-thing"}},
                                  {{"type", "blockdev-snapshot"},
                                   {"data", {{"node", "f1"}, {"overlay", "f2"}}}}})}});
    EXPECT_EQ(blockers(), Arguments{kCommandUnknownBlocker});
    EXPECT_EQ(drive(), "f2");
}

TEST_F(FollowDisks, BitmapsGoWithTheirNode) {
    add_node("2");
    run("block-dirty-bitmap-add", {{"node", "f2"}, {"name", "a"}, {"persistent", true}});
    EXPECT_TRUE(blockers().empty());
    run("block-dirty-bitmap-add", {{"node", "f2"}, {"name", "b"}});
    EXPECT_EQ(blockers(), Arguments{kBitmapBlocker});
    run("blockdev-del", {{"node-name", "f2"}});
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDisks, ANodeIsWrittenBehindThoseThatItUses) {
    add_node("2");
    run("blockdev-reopen",
        {{"options",
          json::array(
              {{{"driver", "qcow2"}, {"node-name", "f1"}, {"file", "s1"}, {"backing", "f2"}}})}});
    EXPECT_TRUE(is_behind("f1", "f2"));
    EXPECT_TRUE(is_behind("f2", "s2"));
    EXPECT_EQ(backing("f1"), "f2");
    EXPECT_TRUE(blockers().empty());
}

TEST_F(FollowDisks, MediaAreTheDrivesOfTheirDevices) {
    start({"-blockdev", "file,node-name=a,filename=/a", "-device", "ide-cd,id=cd,drive=a"});
    run("blockdev-open-tray", {{"id", "cd"}});
    run("blockdev-remove-medium", {{"id", "cd"}});
    run("blockdev-del", {{"node-name", "a"}});
    EXPECT_EQ(arguments(), (Arguments{"-device", "ide-cd,id=cd"}));
    run("blockdev-add", {{"driver", "file"}, {"node-name", "b"}, {"filename", "/b"}});
    run("blockdev-insert-medium", {{"id", "cd"}, {"node-name", "b"}});
    EXPECT_EQ(argument("device", "cd"), "ide-cd,id=cd,drive=b");
    run("eject", {{"id", "cd"}});
    EXPECT_EQ(argument("device", "cd"), "ide-cd,id=cd");
    EXPECT_TRUE(blockers().empty());
    run("blockdev-remove-medium", {{"device", "old-name"}});
    EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker});
}

TEST_F(FollowDisks, WhatTheCommandLineCannotHaveIsABlocker) {
    for (const char* command : {"blockdev-change-medium", "blockdev-snapshot-sync", "drive-mirror",
                                "x-blockdev-change"}) {
        start({});
        run(command);
        EXPECT_EQ(blockers(), Arguments{kNotReproducibleBlocker}) << command;
        EXPECT_NE(reason().find(command), std::string::npos);
    }
}

TEST_F(FollowDisks, ASizeThatIsAnOptionIsChanged) {
    run("blockdev-add", {{"driver", "raw"}, {"node-name", "r"}, {"file", "s1"}, {"size", 512}});
    run("block_resize", {{"node-name", "r"}, {"size", 1024}});
    run("block_resize", {{"node-name", "f1"}, {"size", 1024}});
    EXPECT_EQ(line().find("blockdev", "r")->value("size"), "1024");
    EXPECT_EQ(line().find("blockdev", "f1")->get("size"), std::nullopt);
}

TEST_F(FollowDisks, InactiveAndExportedDisksAreBlockers) {
    run("blockdev-set-active", {{"node-name", "f1"}, {"active", false}});
    run("nbd-server-start", {{"addr", json::object()}});
    run("block-export-add", {{"type", "nbd"}, {"id", "e"}, {"node-name", "f1"}});
    EXPECT_EQ(blockers(), (Arguments{kExportBlocker, kExportBlocker, kInactiveBlocker}));
    run("blockdev-set-active", {{"node-name", "f1"}, {"active", true}});
    run("block-export-del", {{"id", "e"}});
    EXPECT_EQ(blockers().size(), 2U) << "until QEMU says that it is gone";
    event("BLOCK_EXPORT_DELETED", {{"id", "e"}});
    run("nbd-server-stop");
    EXPECT_TRUE(blockers().empty());
}

}  // namespace
}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
// The monitor of a program without a guest, as libvirt probes it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/io.h"
#include "qmp/connection.h"
#include "vmm/monitor/info.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

// A probe in a thread of its own, and a client of its monitor.
class MonitorTest : public ::testing::Test {
  protected:
    MonitorTest() {
        int pair[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        const int theirs = pair[1];
        thread_ = std::thread([theirs] {
            CommandLine line;
            line.action = CommandLine::Action::kProbe;
            ChardevConfig chardev;
            chardev.id = "c";
            chardev.type = ChardevConfig::Type::kSocket;
            chardev.fd = theirs;
            line.machine.chardevs.push_back(chardev);
            line.machine.monitors.push_back({"m", "c"});
            Confinement confinement{ExecRight::kDenied, make_memfd("a listener")};
            Vmm(line, "9.9", std::move(confinement)).run();
        });
        connection_ = std::make_unique<qmp::Connection>(
            loop_, UniqueFd(pair[0]),
            qmp::Connection::Handlers{[this](json message, std::vector<UniqueFd> fds) {
                                          messages_.push_back(std::move(message));
                                          std::ranges::move(fds, std::back_inserter(fds_));
                                      },
                                      [this](const std::string&) { closed_ = true; }});
        greeting_ = next();
    }
    ~MonitorTest() override {
        connection_.reset();
        thread_.join();
    }

    json next() {
        bool late = false;
        const EventSource limit = loop_.after(std::chrono::seconds(10), [&late] { late = true; });
        while (messages_.empty() && !closed_ && !late)
            loop_.iterate(true);
        EXPECT_FALSE(messages_.empty());
        if (messages_.empty())
            return {};
        json message = messages_.front();
        messages_.pop_front();
        return message;
    }
    json run(const std::string& name, const json& arguments = json::object(),
             std::vector<int> fds = {}) {
        connection_->send({{"execute", name}, {"arguments", arguments}}, fds);
        return next();
    }
    json result(const std::string& name, const json& arguments = json::object()) {
        const json reply = run(name, arguments);
        EXPECT_TRUE(reply.contains("return")) << reply;
        return reply.value("return", json());
    }
    std::string error_class(const std::string& name, const json& arguments = json::object()) {
        return run(name, arguments).at("error").at("class");
    }
    void negotiate() { result("qmp_capabilities"); }

    EventLoop loop_;
    std::thread thread_;
    std::unique_ptr<qmp::Connection> connection_;
    std::deque<json> messages_;
    json greeting_;
    std::vector<UniqueFd> fds_;
    bool closed_ = false;
};

TEST_F(MonitorTest, GreetsWithTheProtocolsVersionAndItsOwn) {
    EXPECT_EQ(greeting_, json::parse(R"({"QMP": {"capabilities": [], "version":
        {"package": "cpr-vmm 9.9", "qemu": {"major": 8, "minor": 2, "micro": 0}}}})"));
}

TEST_F(MonitorTest, GivesTheListenerAwayWithTheGreeting) {
    ASSERT_EQ(fds_.size(), 1u);
    struct stat given {};
    ASSERT_EQ(fstat(fds_[0].get(), &given), 0);
    fds_.clear();
    negotiate();
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        struct stat held {};
        EXPECT_FALSE(stat(entry.path().c_str(), &held) == 0 && held.st_ino == given.st_ino &&
                     held.st_dev == given.st_dev)
            << entry.path();
    }
}

TEST_F(MonitorTest, AProgramThatMustNotExecuteAnotherHasABlocker) {
    negotiate();
    const json blockers = result("query-cpr").at("blockers");
    ASSERT_EQ(blockers.size(), 1u);
    EXPECT_EQ(blockers[0].at("id"), "sandbox-denies-exec");
}

TEST_F(MonitorTest, AnswersLibvirtsProbe) {
    negotiate();
    EXPECT_EQ(result("query-version"), greeting_["QMP"]["version"]);
    EXPECT_EQ(result("query-target"), json::parse(R"({"arch": "x86_64"})"));
    EXPECT_EQ(result("query-kvm").at("present"), true);
    EXPECT_EQ(result("query-status"), json::parse(R"({"status": "prelaunch", "running": false})"));
    const json machine = result("query-machines").at(0);
    EXPECT_EQ(machine.at("name"), "pc-q35-8.2");
    EXPECT_EQ(machine.at("alias"), "q35");
    EXPECT_EQ(machine.at("default-ram-id"), "pc.ram");
    EXPECT_EQ(result("query-cpu-definitions").at(0).at("name"), "host");
    EXPECT_EQ(
        result("query-cpu-model-expansion", {{"type", "static"}, {"model", {{"name", "host"}}}})
            .at("model")
            .at("name"),
        "host");
    EXPECT_EQ(result("query-migrate-capabilities"),
              json::parse(R"([{"capability": "events", "state": true}])"));
    for (const std::string empty : {"query-tpm-models", "query-tpm-types", "query-iothreads",
                                    "query-block", "query-named-block-nodes", "query-jobs"})
        EXPECT_EQ(result(empty), json::array()) << empty;
    EXPECT_EQ(error_class("query-balloon"), "DeviceNotActive");
    EXPECT_EQ(error_class("query-sev-capabilities"), "GenericError");
}

TEST_F(MonitorTest, ListsTypesAndTheirProperties) {
    negotiate();
    EXPECT_THAT(result("qom-list-types"),
                Contains(json::parse(R"({"name": "vfio-pci", "parent": "pci-device"})")));
    std::string names;
    for (const json& type : result("qom-list-types")) {
        const auto name = type.at("name").get<std::string>();
        EXPECT_TRUE(result("qom-list-properties", {{"typename", name}}).is_array()) << name;
        names += name + " ";
    }
    EXPECT_THAT(names, HasSubstr("isa-serial"));
    EXPECT_THAT(names, HasSubstr("pvpanic "));
    EXPECT_THAT(result("query-events"), Contains(json::parse(R"({"name": "GUEST_PANICKED"})")));
    // libvirt's daemon ends if this is an error.
    EXPECT_EQ(result("qom-list-properties", {{"typename", "memory-backend-file"}}), json::array());
    std::string properties;
    for (const json& property : result("device-list-properties", {{"typename", "vfio-pci"}}))
        properties += property.at("name").get<std::string>() + " ";
    EXPECT_THAT(properties, HasSubstr("host"));
    EXPECT_THAT(properties, HasSubstr("addr"));
    EXPECT_EQ(result("device-list-properties", {{"typename", "pvpanic"}}).at(0).at("name"),
              "ioport");
    EXPECT_EQ(error_class("device-list-properties", {{"typename", "virtio-net-pci"}}),
              "DeviceNotFound");
    EXPECT_EQ(error_class("device-list-properties", {{"typename", "memory-backend-memfd"}}),
              "GenericError");
}

TEST_F(MonitorTest, NamesOnlyOptionsThatItHas) {
    negotiate();
    std::string names;
    for (const json& option : result("query-command-line-options"))
        names += option.at("option").get<std::string>() + " ";
    EXPECT_THAT(names, HasSubstr("chardev"));
    // Without it libvirt would not confine the VMM.
    EXPECT_THAT(names, HasSubstr("sandbox"));
    EXPECT_THAT(names, ::testing::Not(HasSubstr("tpmdev")));
    EXPECT_EQ(error_class("query-command-line-options", {{"option", "tpmdev"}}), "GenericError");
}

TEST_F(MonitorTest, ShowsTheTreeOfObjects) {
    negotiate();
    EXPECT_EQ(result("qom-get", {{"path", "/machine"}, {"property", "type"}}),
              "pc-q35-8.2-machine");
    EXPECT_THAT(
        result("qom-list", {{"path", "/machine/unattached"}}),
        Contains(json::parse(R"j({"name": "device[0]", "type": "child<host-x86_64-cpu>"})j")));
    EXPECT_EQ(
        result("qom-get", {{"path", "/machine/unattached/device[0]"}, {"property", "realized"}}),
        true);
    EXPECT_EQ(error_class("qom-list", {{"path", "/nope"}}), "DeviceNotFound");
    EXPECT_EQ(error_class("qom-get", {{"path", "/machine"}, {"property", "nope"}}), "GenericError");
}

TEST_F(MonitorTest, KnowsItsCommandsAndRefusesThoseThatNeedAGuest) {
    negotiate();
    const json commands = result("query-commands");
    for (const std::string name : {"cpr-save", "cpr-exec", "cpr-load", "cpr-cancel", "query-cpr",
                                   "cont", "stop", "system_reset", "quit", "getfd"})
        EXPECT_THAT(commands, Contains(json{{"name", name}}));
    for (const std::string name :
         {"cont", "stop", "system_reset", "cpr-save", "cpr-rehearse", "cpr-load"})
        EXPECT_EQ(run(name).at("error").at("code"), "invalid-state") << name;
    EXPECT_EQ(run("device_add", {{"driver", "x"}}).at("error").at("code"), "unsupported");
    EXPECT_EQ(error_class("nope"), "CommandNotFound");
    const json cpr = result("query-cpr");
    EXPECT_EQ(cpr.at("version"), "9.9");
    EXPECT_EQ(cpr.at("state"), "none");
}

TEST_F(MonitorTest, TakesDescriptors) {
    negotiate();
    EXPECT_EQ(error_class("getfd", {{"fdname", "x"}}), "GenericError");
    const UniqueFd null = open_file("/dev/null", O_RDONLY);
    EXPECT_TRUE(run("getfd", {{"fdname", "x"}}, {null.get()}).contains("return"));
    EXPECT_EQ(result("closefd", {{"fdname", "x"}}), json::object());
    EXPECT_EQ(error_class("closefd", {{"fdname", "x"}}), "GenericError");
}

TEST_F(MonitorTest, AnswersWhatIsNoRequest) {
    negotiate();
    const auto complaint = [this](std::string_view text) {
        EXPECT_EQ(write(connection_->fd(), text.data(), text.size()),
                  static_cast<ssize_t>(text.size()));
        return next().at("error").at("desc").get<std::string>();
    };
    EXPECT_THAT(complaint("{\"execute\": tru}\n"), HasSubstr("JSON parse error"));
    EXPECT_THAT(complaint("hello\n"), HasSubstr("JSON parse error"));
    EXPECT_THAT(complaint("[1]\n"), HasSubstr("JSON parse error"));
    EXPECT_EQ(result("query-target").at("arch"), "x86_64");
}

TEST_F(MonitorTest, EndsOnOrderAndSaysSo) {
    negotiate();
    connection_->send({{"execute", "quit"}});
    std::vector<json> last{next(), next()};
    EXPECT_THAT(last, Contains(json::parse(R"({"return": {}})")));
    const json& event = last[0].contains("event") ? last[0] : last[1];
    EXPECT_EQ(event.at("event"), "SHUTDOWN");
    EXPECT_EQ(event.at("data"), json::parse(R"({"guest": false, "reason": "host-qmp-quit"})"));
    EXPECT_TRUE(event.at("timestamp").contains("microseconds"));
}

TEST_F(MonitorTest, EndsWithAConnectedPeer) {
    // The destructor closes the connection and joins the thread, which runs until the end.
    negotiate();
}

TEST(Info, NamesEachKindOfSectionOnce) {
    const json info = json::parse(info_text("9.9"));
    EXPECT_EQ(info.at("name"), "cpr-vmm");
    EXPECT_THAT(info.at("features"), Contains("rehearsal"));
    EXPECT_EQ(info.at("version"), "9.9");
    EXPECT_EQ(info.at("state-format"), state::kFormatVersion);
    std::vector<std::string> kinds;
    for (const json& section : info.at("sections")) {
        kinds.push_back(section.at("kind"));
        EXPECT_LE(section.at("min-version"), section.at("version"));
    }
    EXPECT_THAT(kinds, ::testing::IsSupersetOf({"checkpoint", "chardevs", "fd-sets", "machine",
                                                "vcpu", "irqchip", "serial16550", "vfio-pci"}));
    std::ranges::sort(kinds);
    EXPECT_EQ(std::ranges::adjacent_find(kinds), kinds.end());
}

}  // namespace
}  // namespace cpr::vmm

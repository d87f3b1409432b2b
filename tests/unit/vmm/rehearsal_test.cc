// SPDX-License-Identifier: LGPL-2.1-or-later
// A rehearsal takes what a load takes, refuses what a load refuses, and does nothing else.
#include "vmm/rehearsal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/io.h"
#include "unit/vmm/machine_world.h"
#include "vmm/chardev/factory.h"
#include "vmm/vmm.h"

namespace cpr::vmm {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// As Checkpoint writes it.
struct Own {
    static constexpr std::string_view kKind = "checkpoint";
    static constexpr uint16_t kVersion = 1;
    template <typename Archive>
    static void fields(const Own&, Archive& archive) {
        archive(true);
    }
};

class RehearsalTest : public MachineWorld {
  protected:
    RehearsalTest() {
        using Type = ChardevConfig::Type;
        for (const auto& [id, type] : {std::pair("line", Type::kNull),
                                       {"log", Type::kFile},
                                       {"charmonitor", Type::kSocket}}) {
            ChardevConfig& end = config.chardevs.emplace_back();
            end.id = id;
            end.type = type;
        }
        config.devices = {{"pcie-root-port", "rp1", {{"bus", "pcie.0"}, {"addr", "1"}}},
                          {"vfio-pci", "nvme", {{"host", "0000:00:05.0"}, {"bus", "rp1"}}},
                          {"pvpanic", "", {}}};
        config.monitors = {{"monitor", "charmonitor"}};
        make();
        state::StreamWriter writer;
        writer.add("checkpoint", Own{});
        writer.add(GuestActions::kSection, GuestActions{});
        FdSets().save(writer);
        save_chardevs(chardevs, writer);
        machine->save(writer);
        stream_ = writer.finish();
        state::OutgoingFds fds;
        machine->keep(fds);
        for (const CheckpointParticipant* participant : machine->participants())
            participant->keep(fds);
        fds.add("chardev-log", 0, STDERR_FILENO);
        fds.add("monitor-charmonitor", 0, STDERR_FILENO);
        table_ = json::parse(fds.serialize());
        // Their numbers mean nothing here.
        for (json& entry : table_)
            entry["fd"] = -1;
    }

    void run(const std::vector<uint8_t>& stream, const json& table) {
        const std::string text = table.dump();
        UniqueFd names = make_memfd("table");
        write_all(names.get(), {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, "it");
        UniqueFd copy = make_memfd("state");
        write_all(copy.get(), stream, "it");
        config.cpr_fd = names.release();
        config.rehearsal_fd = copy.release();
        rehearse(config);
    }
    std::string complaint(const std::vector<uint8_t>& stream, const json& table) {
        try {
            run(stream, table);
        } catch (const Error& error) {
            return error.message();
        }
        return "";
    }
    std::string complaint() { return complaint(stream_, table_); }

    // The stream with one section changed, or left out if `change` says so.
    using Change = std::function<bool(state::SectionInfo&, std::vector<uint8_t>&)>;
    std::vector<uint8_t> changed(size_t index, const Change& change) const {
        const auto sections = state::cut_sections(stream_);
        state::StreamWriter writer;
        for (size_t i = 0; i < sections.size(); ++i) {
            state::SectionInfo info = sections[i].info;
            std::vector<uint8_t> payload(sections[i].payload.begin(), sections[i].payload.end());
            if (i != index || change(info, payload))
                writer.add_payload(info, payload);
        }
        return writer.finish();
    }
    // Each section in turn is changed so: the complaint names it.
    void expect_refused(const Change& change) {
        const auto sections = state::cut_sections(stream_);
        for (size_t i = 0; i < sections.size(); ++i)
            EXPECT_THAT(complaint(changed(i, change), table_), HasSubstr(sections[i].info.id));
    }

    std::vector<uint8_t> stream_;
    json table_;
};

TEST_F(RehearsalTest, TakesAGoodState) {
    kvm.calls.clear();
    EXPECT_EQ(complaint(), "");
    EXPECT_TRUE(kvm.calls.empty());
}

TEST_F(RehearsalTest, RefusesASectionThatIsMissing) {
    expect_refused([](auto&, auto&) { return false; });
}

TEST_F(RehearsalTest, RefusesASectionThatIsCutOff) {
    expect_refused([](auto&, auto& payload) {
        payload.pop_back();
        return true;
    });
}

TEST_F(RehearsalTest, RefusesASectionThatIsTooLong) {
    expect_refused([](auto&, auto& payload) {
        payload.push_back(0);
        return true;
    });
}

TEST_F(RehearsalTest, RefusesASectionOfALaterVersion) {
    expect_refused([](auto& info, auto&) {
        info.version += 10;
        return true;
    });
}

TEST_F(RehearsalTest, RefusesADescriptorThatIsMissing) {
    for (size_t i = 0; i < table_.size(); ++i) {
        json table = table_;
        table.erase(i);
        EXPECT_THAT(complaint(stream_, table), HasSubstr(table_[i]["name"].get<std::string>()));
    }
}

TEST_F(RehearsalTest, RefusesADeviceThatTheCommandLineLacks) {
    config.devices.pop_back();
    EXPECT_THAT(complaint(), HasSubstr("pvpanic"));
}

TEST_F(RehearsalTest, RefusesADeviceThatTheStateLacks) {
    config.devices.push_back({"pcie-root-port", "another", {{"bus", "pcie.0"}, {"addr", "2"}}});
    EXPECT_THAT(complaint(), HasSubstr("another"));
}

TEST_F(RehearsalTest, RefusesWhatTheCommandLineCannotMean) {
    const auto devices = config.devices;
    config.devices[0].properties["addr"] = "0";
    EXPECT_NE(complaint(), "");
    config.devices = devices;
    config.devices[1].properties["host"] = "0000:00:06.0";
    EXPECT_THAT(complaint(), HasSubstr("0000:00:05.0"));
    config.devices = devices;
    config.devices[1].properties["nonsense"] = "1";
    EXPECT_THAT(complaint(), HasSubstr("nonsense"));
    config.devices = devices;
    config.vcpus = 1;
    EXPECT_THAT(complaint(), HasSubstr("2 vCPUs"));
}

// Ends the process at any system call by which it could reach something outside of itself.
void forbid_the_outside() {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (const char* name : {"open",       "openat",   "openat2",      "creat", "ioctl",   "socket",
                             "socketpair", "bind",     "connect",      "mkdir", "mkdirat", "unlink",
                             "unlinkat",   "rename",   "fork",         "vfork", "clone",   "clone3",
                             "execve",     "execveat", "memfd_create", "kill",  "setsid"})
        seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, seccomp_syscall_resolve_name(name), 0);
    if (seccomp_load(filter) < 0)
        _exit(3);
}

// The status of a child that does it.
int status_of(const std::function<void()>& action) {
    const pid_t child = fork();
    if (child == 0) {
        try {
            forbid_the_outside();
            action();
            _exit(0);
        } catch (const Error& error) {
            fprintf(stderr, "%s\n", error.what());
        }
        _exit(1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

TEST_F(RehearsalTest, OpensAndCreatesNothing) {
    UniqueFd names = make_memfd("table");
    const std::string text = table_.dump();
    write_all(names.get(), {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, "it");
    UniqueFd copy = make_memfd("state");
    write_all(copy.get(), stream_, "it");
    config.cpr_fd = names.get();
    config.rehearsal_fd = copy.get();
    EXPECT_EQ(status_of([this] { rehearse(config); }), 0);
    // The filter bites: a machine needs files at least.
    const int status = status_of([this] { make(); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

}  // namespace
}  // namespace cpr::vmm

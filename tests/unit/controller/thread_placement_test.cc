// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

// A thread in the place of a VMM's.
class Bystander {
  public:
    explicit Bystander(pid_t id) : id_(id) {}

    pid_t id() const { return id_; }
    void pin_to(int processor) const {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(processor, &set);
        ASSERT_EQ(sched_setaffinity(id_, sizeof(set), &set), 0);
    }
    bool is_pinned() const {
        cpu_set_t set;
        return sched_getaffinity(id_, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
    }
    void set_policy(int policy) const {
        const sched_param param{};
        ASSERT_EQ(sched_setscheduler(id_, policy, &param), 0);
    }

  private:
    pid_t id_;
};

// One that this process may be pinned to.
int some_processor() {
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    int processor = 0;
    while (!CPU_ISSET(processor, &set))
        ++processor;
    return processor;
}

// A VMM with a vCPU and an I/O thread, and others after each exec.
class ThreadPlacementTest : public UpdateTest {
  protected:
    void SetUp() override {
        UpdateTest::SetUp();
        vmm_->on("query-cpus-fast", [this](const json&) {
            return json{{"return", {{{"cpu-index", 0}, {"thread-id", vcpu().id()}}}}};
        });
        vmm_->on("query-iothreads", [this](const json&) {
            return json{{"return", {{{"id", "iothread1"}, {"thread-id", iothread().id()}}}}};
        });
        old_vcpu_.pin_to(some_processor());
    }

    // With threads, whose numbers it writes down.
    std::shared_ptr<const VmmProcess> start_vmm_process() override {
        folder_.program("threads");
        const Binary binary = open_binary(folder_.path("threads"));
        ProcessSpec spec;
        spec.binary = binary.fd.get();
        spec.arguments = {folder_.path("threads"), folder_.path("ids")};
        auto process = std::make_shared<const VmmProcess>(start_process(spec));
        std::vector<pid_t> ids;
        while (ids.size() < 4 && !has_ended(*process)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            std::ifstream file(folder_.path("ids"));
            ids.assign(std::istream_iterator<pid_t>(file), {});
        }
        EXPECT_EQ(ids.size(), 4u);
        ids.resize(4);
        old_vcpu_ = Bystander(ids[0]);
        new_vcpu_ = Bystander(ids[1]);
        old_iothread_ = Bystander(ids[2]);
        new_iothread_ = Bystander(ids[3]);
        return process;
    }

    const Bystander& vcpu() { return state_ == "incoming" || loaded() ? new_vcpu_ : old_vcpu_; }
    const Bystander& iothread() {
        return state_ == "incoming" || loaded() ? new_iothread_ : old_iothread_;
    }
    bool loaded() const { return vmm_->count("cpr-load") > 0; }
    std::vector<json> blockers_found() { return result().value("blockers", std::vector<json>()); }

    Bystander old_vcpu_{0};
    Bystander new_vcpu_{0};
    Bystander old_iothread_{0};
    Bystander new_iothread_{0};
};

TEST_F(ThreadPlacementTest, TheNewThreadsRunWhereTheOldOnesDid) {
    start();
    EXPECT_EQ(result()["status"], "completed");
    EXPECT_TRUE(new_vcpu_.is_pinned());
    EXPECT_EQ(new_iothread_.is_pinned(), old_iothread_.is_pinned());
}

TEST_F(ThreadPlacementTest, AThreadThatCannotBePlacedIsAReasonToGoBack) {
    vmm_->on("query-cpus-fast", [this](const json&) {
        json cpus = json::array();
        if (!loaded())
            cpus = {{{"cpu-index", 0}, {"thread-id", old_vcpu_.id()}}};
        return json{{"return", cpus}};
    });
    start();
    const json job = result();
    ASSERT_EQ(job["status"], "rolled-back") << job;
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("vcpu0"), std::string::npos) << job;
}

TEST_F(ThreadPlacementTest, SchedulingThatOnlyRootCanSetIsABlocker) {
    old_iothread_.set_policy(SCHED_BATCH);
    start({{"check", true}});
    const auto found = blockers_found();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0]["id"], "thread-tuning");
    EXPECT_NE(found[0]["reason"].get<std::string>().find("iothread1"), std::string::npos);
}

TEST_F(ThreadPlacementTest, ItIsNoBlockerIfSomebodyPlacesTheThreads) {
    old_iothread_.set_policy(SCHED_BATCH);
    start({{"check", true}, {"place-threads", true}});
    EXPECT_TRUE(blockers_found().empty());
}

TEST_F(ThreadPlacementTest, AThreadOfAnotherProcessIsNotTouched) {
    vmm_->returns("query-cpus-fast", {{{"cpu-index", 0}, {"thread-id", getpid()}}});
    start();
    const json job = result();
    ASSERT_EQ(job["status"], "failed") << job;
    EXPECT_NE(job["error"]["desc"].get<std::string>().find("vcpu0"), std::string::npos) << job;
}

TEST_F(ThreadPlacementTest, AnswersThatAreNoneAreRefused) {
    for (const json& cpus : {json(1), json{{{"cpu-index", 0}}}, json{{{"thread-id", 7}}},
                             json{{{"cpu-index", 0}, {"thread-id", -7}}}, json{7}}) {
        vmm_->returns("query-cpus-fast", cpus);
        start();
        EXPECT_EQ(result()["status"], "failed") << cpus;
    }
}

TEST(VmmThreads, NamesNoThreadLikeAFolderElsewhere) {
    const json cpus = json::array();
    for (const char* id : {"", "../..", "..", "a/b", "1", "/", "iothread1\n", "\xc3\xa9"})
        EXPECT_THROW(parse_vmm_threads(cpus, {{{"id", id}, {"thread-id", 7}}}), Error) << id;
    for (const char* id : {"iothread1", "a-b.c_9"})
        EXPECT_EQ(parse_vmm_threads(cpus, {{{"id", id}, {"thread-id", 7}}}), (VmmThreads{{id, 7}}));
}

}  // namespace
}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sched.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

// A thread of this process's, in the place of one of a VMM's.
class Bystander {
  public:
    Bystander() {
        std::promise<pid_t> id;
        auto known = id.get_future();
        thread_ = std::thread([this, id = std::move(id)]() mutable {
            id.set_value(gettid());
            end_.get_future().wait();
        });
        id_ = known.get();
    }
    ~Bystander() {
        end_.set_value();
        thread_.join();
    }
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;

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
    std::promise<void> end_;
    std::thread thread_;
    pid_t id_ = 0;
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

    const Bystander& vcpu() { return state_ == "incoming" || loaded() ? new_vcpu_ : old_vcpu_; }
    const Bystander& iothread() {
        return state_ == "incoming" || loaded() ? new_iothread_ : old_iothread_;
    }
    bool loaded() const { return vmm_->count("cpr-load") > 0; }
    std::vector<json> blockers_found() { return result().value("blockers", std::vector<json>()); }

    Bystander old_vcpu_;
    Bystander new_vcpu_;
    Bystander old_iothread_;
    Bystander new_iothread_;
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

TEST_F(ThreadPlacementTest, AnswersThatAreNoneAreRefused) {
    for (const json& cpus : {json(1), json{{{"cpu-index", 0}}}, json{{{"thread-id", 7}}},
                             json{{{"cpu-index", 0}, {"thread-id", -7}}}, json{7}}) {
        vmm_->returns("query-cpus-fast", cpus);
        start();
        EXPECT_EQ(result()["status"], "failed") << cpus;
    }
}

}  // namespace
}  // namespace cpr::controller

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_QEMU_MONITOR_FIXTURE_H
#define CPR_TESTS_CONTROLLER_QEMU_MONITOR_FIXTURE_H

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "controller/loop_call.h"
#include "controller/vmm_calls.h"
#include "unit/controller/support.h"

namespace cpr::controller::qemu {

// A QEMU's monitor. The test is on the job's thread; the loop has its own, as in the controller.
class MonitorTest : public ::testing::Test {
  protected:
    template <typename Function>
    auto on_loop(Function function) {
        return call_on_loop(loop_, std::move(function));
    }
    MonitorTest() {
        on_loop([this] {
            auto [ours, theirs] = socket_pair();
            vmm_ = std::make_unique<FakeVmm>(loop_, std::move(theirs));
            link_ = std::make_unique<VmmLink>(
                loop_, std::move(ours),
                VmmLink::Handlers{[](const nlohmann::json&) {}, [](const Message&) {},
                                  [](const std::string&) {}});
        });
        calls_ = std::make_unique<VmmCalls>(loop_, *link_);
    }
    ~MonitorTest() override {
        on_loop([this] {
            link_.reset();
            vmm_.reset();
        });
        loop_.quit();
    }
    void returns(const std::string& command, const nlohmann::json& value) {
        on_loop([&] { vmm_->returns(command, value); });
    }
    void fails(const std::string& command, const std::string& text) {
        on_loop([&] { vmm_->fails(command, "", text); });
    }
    // What is under way has come then.
    void settle() {
        for (int i = 0; i < 5; ++i) {
            on_loop([] {});
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

    EventLoop loop_;
    std::unique_ptr<FakeVmm> vmm_;
    std::unique_ptr<VmmLink> link_;
    std::unique_ptr<VmmCalls> calls_;
    std::jthread thread_{[this] { loop_.run(); }};
};

}  // namespace cpr::controller::qemu

#endif

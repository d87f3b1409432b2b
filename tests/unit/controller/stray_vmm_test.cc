// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/stray_vmm.h"

#include <poll.h>
#include <unistd.h>

#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

class StrayVmmTest : public LoopTest {
  protected:
    ~StrayVmmTest() override { kill_process(*process_, std::chrono::seconds(5)); }
    bool ended() const {
        pollfd end{process_->pidfd.get(), POLLIN, 0};
        return poll(&end, 1, 0) == 1;
    }

    const TestFolder folder_;
    UniqueFd listener_ = listen_at(folder_.path("monitor.sock"));
    std::shared_ptr<const VmmProcess> process_ = start_bystander();
};

TEST_F(StrayVmmTest, EndsWhenLibvirtRemovesTheMonitor) {
    EXPECT_EQ(socket_path(listener_.get()), folder_.path("monitor.sock"));
    const StrayVmm stray(loop_, process_, process_, socket_path(listener_.get()));
    bool looked = false;
    const EventSource later = loop_.after(std::chrono::milliseconds(500), [&] { looked = true; });
    run_until([&] { return looked; });
    EXPECT_FALSE(ended());
    unlink(folder_.path("monitor.sock").c_str());
    run_until([this] { return ended(); });
}

TEST_F(StrayVmmTest, ASocketWithoutAPathSaysNothing) {
    auto [one, other] = socket_pair();
    EXPECT_EQ(socket_path(one.get()), "");
    const StrayVmm stray(loop_, process_, process_, "");
    settle();
    EXPECT_FALSE(ended());
}

}  // namespace
}  // namespace cpr::controller

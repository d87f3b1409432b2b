// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/controller.h"

#include <poll.h>
#include <unistd.h>

#include "base/pidfd.h"
#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

// The controller as a whole, against a VMM that follows docs/protocol.md.
class ControllerTest : public UpdateTest {
  protected:
    void SetUp() override {
        folder_.program("old");
        process_ = start_bystander();
        auto [ours, theirs] = socket_pair();
        vmm_ = std::make_unique<FakeVmm>(loop_, std::move(theirs));
        ControllerOptions options;
        options.listener = listen_at(folder_.path("m.sock"));
        options.vmm_socket = std::move(ours);
        options.vmm = {process_,
                       std::make_shared<const Binary>(open_binary(folder_.path("old"))),
                       {folder_.path("old"), "-S"}};
        options.emulator = "a-test";
        controller_ = std::make_unique<Controller>(loop_, std::move(options));
        script_vmm();
        vmm_->greet();
        client_ = std::make_unique<FakeClient>(loop_, connect_to(folder_.path("m.sock")));
        client_->command("qmp_capabilities", "caps");
        run_until([&] { return client_->answer("caps").has_value(); });
    }

    void TearDown() override {
        vmm_->die();
        kill_process(*process_, std::chrono::seconds(5));
        run_until([this] { return client_->closed(); });
    }

    std::unique_ptr<Controller> controller_;
};

// The number of a process that libvirt has seen end may be the same.
TEST_F(ControllerTest, AGuestThatWasBroughtBackEndsWithTheDomainWhateverItsNumber) {
    vmm_->on("cpr-load", [this](const json&) -> std::optional<json> {
        loop_.post([this] { vmm_->die(); });
        return std::nullopt;
    });
    start({{"binary", folder_.path("old")}});
    const json job = result();
    ASSERT_EQ(job["status"], "rolled-back") << job;
    const auto pid = static_cast<pid_t>(job.value("vmm-pid", process_->pid));
    const UniqueFd brought_back(pidfd_open(pid, 0));
    ASSERT_TRUE(brought_back);
    pollfd end{brought_back.get(), POLLIN, 0};
    EXPECT_EQ(poll(&end, 1, 500), 0);
    unlink(folder_.path("m.sock").c_str());
    run_until([&] { return poll(&end, 1, 0) == 1; });
}

}  // namespace
}  // namespace cpr::controller

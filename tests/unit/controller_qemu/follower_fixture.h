// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_CONTROLLER_QEMU_FOLLOWER_FIXTURE_H
#define CPR_TESTS_CONTROLLER_QEMU_FOLLOWER_FIXTURE_H

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/qemu/monitor_follower.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {

// A guest whose monitor a test speaks over.
class FollowerTest : public testing::Test {
  protected:
    using json = nlohmann::json;

    void start(const Arguments& arguments) { follower_ = MonitorFollower(model_of(arguments)); }

    // A command that succeeds.
    void run(const std::string& command, const json& arguments = json::object(),
             const json& result = json::object(), size_t descriptors = 0) {
        const auto ticket =
            follower_.on_command({{"execute", command}, {"arguments", arguments}}, descriptors);
        follower_.on_answer(ticket, {{"return", result}});
    }
    void fail(const std::string& command, const json& arguments) {
        const auto ticket = follower_.on_command({{"execute", command}, {"arguments", arguments}});
        follower_.on_answer(ticket, {{"error", {{"class", "GenericError"}, {"desc", "no"}}}});
    }
    void event(const std::string& name, const json& data) {
        follower_.on_event({{"event", name}, {"data", data}});
    }
    void job(const std::string& id, const std::string& status) {
        event("JOB_STATUS_CHANGE", {{"id", id}, {"status", status}});
    }
    // All statuses of one that goes well, less the last.
    void finish_job(const std::string& id) {
        for (const char* status : {"created", "running", "waiting", "pending", "concluded"})
            job(id, status);
    }

    // Descriptor N has the number 100 + N for the next QEMU.
    ArgumentModel line() const {
        return follower_.command_line([](Serial serial) { return 100 + static_cast<int>(serial); });
    }
    Arguments arguments() const { return arguments_of(line()); }
    std::string argument(const std::string& name, const std::string& id) const {
        return argument_of(line(), name, id);
    }
    // The ids of the blockers.
    Arguments blockers() const {
        Arguments ids;
        for (const Blocker& blocker : follower_.blockers()) {
            EXPECT_FALSE(blocker.reason.english().empty());
            EXPECT_FALSE(blocker.remedy.english().empty());
            ids.push_back(blocker.id);
        }
        return ids;
    }
    std::string reason() const {
        return follower_.blockers().empty() ? "" : follower_.blockers().front().reason.english();
    }

    MonitorFollower follower_{model_of({})};
};

}  // namespace cpr::controller::qemu

#endif

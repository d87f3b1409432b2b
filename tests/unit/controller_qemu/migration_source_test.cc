// SPDX-License-Identifier: LGPL-2.1-or-later
// What a transfer changes in the running QEMU, and that it is put back.
#include "controller/qemu/migration_source.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "unit/controller_qemu/monitor_fixture.h"

namespace cpr::controller::qemu {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class MigrationSourceTest : public MonitorTest {
  protected:
    MigrationSourceTest() {
        returns("query-migrate-capabilities", json::array());
        returns("query-migrate", {{"status", "failed"}});
        returns("query-status", {{"status", "running"}, {"running", true}});
        for (const char* command : {"migrate-set-parameters", "migrate", "qom-set"})
            returns(command, json::object());
    }
    // The values that "suppress-vmdesc" of the machine was set to.
    json suppressed() {
        return on_loop([this] {
            json values = json::array();
            for (const json& command : vmm_->commands) {
                if (command["execute"] != "qom-set")
                    continue;
                EXPECT_EQ(command["arguments"]["path"], "/machine");
                EXPECT_EQ(command["arguments"]["property"], "suppress-vmdesc");
                values.push_back(command["arguments"]["value"]);
            }
            return values;
        });
    }

    MigrationSource source_{*calls_, 10s};
};

TEST_F(MigrationSourceTest, ATransferIsWithoutTheDescription) {
    returns("qom-get", false);
    source_.begin_transfer("/cpr", "/main");
    EXPECT_TRUE(source_.has_silenced_description());
    EXPECT_EQ(suppressed(), json::array({true}));
    source_.take_back(true, 10s);
    EXPECT_EQ(suppressed(), json::array({true, false}));
}

TEST_F(MigrationSourceTest, ADescriptionThatNobodyMakesIsLeftSo) {
    returns("qom-get", true);
    source_.begin_transfer("/cpr", "/main");
    EXPECT_FALSE(source_.has_silenced_description());
    source_.take_back(true, 10s);
    EXPECT_EQ(suppressed(), json::array());
}

TEST_F(MigrationSourceTest, AQemuWithoutThatPropertyIsTransferredAsItIs) {
    fails("qom-get", "Property 'machine.suppress-vmdesc' not found");
    source_.begin_transfer("/cpr", "/main");
    EXPECT_FALSE(source_.has_silenced_description());
    EXPECT_EQ(on_loop([this] { return vmm_->count("migrate"); }), 1u);
    source_.take_back(true, 10s);
    EXPECT_EQ(suppressed(), json::array());
}

TEST_F(MigrationSourceTest, IsPutBackIfTheTransferCannotBegin) {
    returns("qom-get", false);
    fails("migrate", "no");
    EXPECT_THROW(source_.begin_transfer("/cpr", "/main"), Error);
    source_.take_back(true, 10s);
    EXPECT_EQ(suppressed(), json::array({true, false}));
}

}  // namespace
}  // namespace cpr::controller::qemu

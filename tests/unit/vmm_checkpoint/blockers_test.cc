// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/checkpoint/blockers.h"

#include <gtest/gtest.h>

#include "fakes/fake_platform.h"

namespace cpr::vmm {
namespace {

std::vector<std::string> ids(const Blockers& blockers) {
    std::vector<std::string> result;
    for (const Blocker& blocker : blockers.all())
        result.push_back(blocker.id);
    return result;
}

TEST(Blockers, AreThereForAsLongAsTheirRegistration) {
    Blockers blockers;
    Blockers::Registration first = blockers.add({"a", "why", "what to do"});
    {
        const auto second = blockers.add({"b", "", ""});
        EXPECT_EQ(ids(blockers), (std::vector<std::string>{"a", "b"}));
    }
    EXPECT_EQ(ids(blockers), std::vector<std::string>{"a"});
    Blockers::Registration moved = std::move(first);
    EXPECT_EQ(blockers.count(), 1u);
    moved = blockers.add({"c", "", ""});
    EXPECT_EQ(ids(blockers), std::vector<std::string>{"c"});
    moved.remove();
    moved.remove();
    EXPECT_EQ(blockers.count(), 0u);
}

// What a device has to write that cannot be carried over.
class Unmovable final : public NotMigratableDevice {
  public:
    explicit Unmovable(const DeviceContext& context)
        : NotMigratableDevice("unmovable", context, {"unmovable", "it has no state", "remove it"}) {
    }
    void reset() override {}
};

TEST(Blockers, ADeviceThatIsNotMigratableIsOne) {
    fakes::FakePlatform platform;
    auto device = std::make_unique<Unmovable>(platform.context());
    EXPECT_EQ(ids(platform.blockers), std::vector<std::string>{"unmovable"});
    EXPECT_TRUE(device->sections().empty());
    device.reset();
    EXPECT_EQ(platform.blockers.count(), 0u);
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

namespace {

// A connection to libvirt would set it up; tests that only use its typed parameters have none.
class LibvirtEnvironment : public testing::Environment {
  public:
    void SetUp() override { ASSERT_EQ(virInitialize(), 0); }
};

[[maybe_unused]] const testing::Environment* const kEnvironment =
    testing::AddGlobalTestEnvironment(new LibvirtEnvironment);

}  // namespace

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/last_error.h"

#include <gtest/gtest.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <thread>

namespace cpr::client {
namespace {

TEST(LastError, IsSetByACallThatFails) {
    EXPECT_EQ(virDomainCprUpdate(nullptr, nullptr, 0, 0), -1);
    ASSERT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virCprGetLastError()->code, VIR_ERR_INVALID_ARG);
    EXPECT_EQ(virCprGetLastError()->domain, VIR_FROM_QEMU);
    EXPECT_STREQ(virCprGetLastErrorCode(), "invalid-argument");
}

TEST(LastError, IsSetByEveryFunction) {
    EXPECT_EQ(virDomainCprCheck(nullptr, nullptr, 0, nullptr, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virDomainCprGetJob(nullptr, nullptr, nullptr, nullptr, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virDomainCprWait(nullptr, 1, -1, nullptr, nullptr, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virDomainCprCancel(nullptr, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virDomainCprEventRegister(nullptr, nullptr, nullptr, nullptr, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
    EXPECT_EQ(virDomainCprEventDeregister(nullptr, 0, 0), -1);
    EXPECT_NE(virCprGetLastError(), nullptr);
}

TEST(LastError, AlwaysHasAMessage) {
    LastError::of_this_thread().clear();
    EXPECT_STREQ(virCprGetLastErrorMessage(), "no error");
    EXPECT_EQ(virDomainCprCancel(nullptr, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorMessage(), "the domain must not be NULL");
}

TEST(LastError, IsThatOfTheThread) {
    EXPECT_EQ(virDomainCprCancel(nullptr, 0), -1);
    std::thread([] { EXPECT_EQ(virCprGetLastError(), nullptr); }).join();
}

TEST(LastError, HasNoCodeForAnErrorOfLibvirts) {
    virResetLastError();
    LastError& last = LastError::of_this_thread();
    last.set(CallError::from_libvirt());
    EXPECT_EQ(last.code(), nullptr);
    ASSERT_NE(last.get(), nullptr);
    EXPECT_NE(last.get()->message, nullptr);
    last.clear();
    EXPECT_EQ(last.get(), nullptr);
}

}  // namespace
}  // namespace cpr::client

// SPDX-License-Identifier: LGPL-2.1-or-later
// The library over libvirt's own test driver: a connection that is not to QEMU.
#include <gtest/gtest.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <cstdlib>

#include "tools/libvirt_session.h"

namespace cpr::tools {
namespace {

void never(virDomainPtr, virDomainCprJobStatus, virTypedParameterPtr, int, void*) {
    ADD_FAILURE() << "there is no job";
}

class TestDriver : public testing::Test {
  protected:
    static ConnectionOptions test_driver() {
        ConnectionOptions options;
        options.uri = "test:///default";
        return options;
    }

    TestDriver() : session_(test_driver()) {}

    void SetUp() override {
        ASSERT_TRUE(session_.open()) << virGetLastErrorMessage();
        domain_ = session_.find_domain("test");
        ASSERT_TRUE(domain_) << virGetLastErrorMessage();
    }

    // The last call failed with libvirt's own error, unchanged.
    void expect_unsupported_by_driver() {
        const virError* error = virCprGetLastError();
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->code, VIR_ERR_NO_SUPPORT);
        EXPECT_STREQ(error->message,
                     "this function is not supported by the connection driver: "
                     "virDomainQemuMonitorCommand");
        EXPECT_EQ(error->domain, VIR_FROM_NONE);
        EXPECT_EQ(error->level, VIR_ERR_ERROR);
        EXPECT_STREQ(error->str2, "virDomainQemuMonitorCommand");
        EXPECT_EQ(virCprGetLastErrorCode(), nullptr);
    }

    void expect_own_error(virErrorNumber code, const char* stable_code) {
        const virError* error = virCprGetLastError();
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(error->code, code) << error->message;
        EXPECT_STREQ(virCprGetLastErrorCode(), stable_code);
    }

    LibvirtSession session_;
    Domain domain_;
};

TEST_F(TestDriver, PassesLibvirtsErrorThrough) {
    EXPECT_EQ(virDomainCprUpdate(domain_.get(), nullptr, 0, 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(virDomainCprCheck(domain_.get(), nullptr, 0, nullptr, 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(virDomainCprWait(domain_.get(), 1, 0, nullptr, nullptr, 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(virDomainCprCancel(domain_.get(), 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(virDomainCprEventRegister(domain_.get(), never, nullptr, nullptr, 0), -1);
    expect_unsupported_by_driver();
}

TEST_F(TestDriver, LeavesOutputsAloneOnFailure) {
    char* json = nullptr;
    virTypedParameterPtr params = nullptr;
    int nparams = 7;
    EXPECT_EQ(virDomainCprGetJob(domain_.get(), &json, &params, &nparams, 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(virDomainCprGetStats(domain_.get(), &json, &params, &nparams, 0), -1);
    expect_unsupported_by_driver();
    EXPECT_EQ(json, nullptr);
    EXPECT_EQ(params, nullptr);
    EXPECT_EQ(nparams, 7);
}

TEST_F(TestDriver, RefusesWrongArgumentsBeforeItAsks) {
    EXPECT_EQ(virDomainCprUpdate(domain_.get(), nullptr, 1, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprUpdate(domain_.get(), nullptr, 0, 1u << 31), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprCheck(domain_.get(), nullptr, 0, nullptr, VIR_DOMAIN_CPR_UPDATE_CHECK),
              -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprEventRegister(domain_.get(), nullptr, nullptr, nullptr, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprEventDeregister(domain_.get(), 0, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprWait(domain_.get(), 1, -2, nullptr, nullptr, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    virTypedParameterPtr params = nullptr;
    EXPECT_EQ(virDomainCprGetJob(domain_.get(), nullptr, &params, nullptr, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
    EXPECT_EQ(virDomainCprGetStats(domain_.get(), nullptr, &params, nullptr, 0), -1);
    expect_own_error(VIR_ERR_INVALID_ARG, "invalid-argument");
}

TEST_F(TestDriver, FindsDomainsAsVirshDoes) {
    int id = static_cast<int>(virDomainGetID(domain_.get()));
    char uuid[VIR_UUID_STRING_BUFLEN];
    ASSERT_EQ(virDomainGetUUIDString(domain_.get(), uuid), 0);
    EXPECT_TRUE(session_.find_domain(std::to_string(id)));
    EXPECT_TRUE(session_.find_domain(std::string(uuid)));
    EXPECT_FALSE(session_.find_domain("nosuch"));
    EXPECT_FALSE(session_.find_domain("999"));
    EXPECT_FALSE(session_.find_domain(std::string(VIR_UUID_STRING_BUFLEN - 1, 'x')));
    EXPECT_TRUE(session_.is_alive());
}

}  // namespace
}  // namespace cpr::tools

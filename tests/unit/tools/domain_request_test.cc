// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/domain_request.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::tools {
namespace {

DomainRequest request_for(DomainAction action) {
    DomainRequest request;
    request.ask(action, "x");
    return request;
}

TEST(DomainRequest, HasOneAction) {
    DomainRequest request = request_for(DomainAction::kEnable);
    EXPECT_THROW(request.ask(DomainAction::kDisable, "disable"), Error);
}

TEST(DomainRequest, OptionsFitTheAction) {
    DomainRequest request = request_for(DomainAction::kEnable);
    request.backend = "cpr-vmm";
    request.print_xml = true;
    request.emulator = "/usr/bin/e";
    EXPECT_NO_THROW(check_domain_request(request));
    request.json = true;
    EXPECT_THROW(check_domain_request(request), Error);
    request.json = false;
    request.backend = "xen";
    EXPECT_THROW(check_domain_request(request), Error);

    request = request_for(DomainAction::kShowHistory);
    request.json = true;
    EXPECT_NO_THROW(check_domain_request(request));
    request.print_xml = true;
    EXPECT_THROW(check_domain_request(request), Error);

    request = request_for(DomainAction::kDisable);
    request.emulator = "/usr/bin/e";
    EXPECT_THROW(check_domain_request(request), Error);
}

TEST(DomainRequest, WithoutAnActionItsOptionsAreRefused) {
    DomainRequest request;
    request.json = true;
    request.emulator = "/b";
    EXPECT_NO_THROW(check_domain_request(request));
    request.print_xml = true;
    EXPECT_THROW(check_domain_request(request), Error);
}

TEST(DomainRequest, TheBackendIsNamedOrKnownByTheProgram) {
    DomainRequest request = request_for(DomainAction::kEnable);
    EXPECT_FALSE(request.is_for_cpr_vmm());
    request.emulator = "/usr/bin/virt-cpr-emulator";
    EXPECT_TRUE(request.is_for_cpr_vmm());
    request.backend = "qemu";
    EXPECT_FALSE(request.is_for_cpr_vmm());
    request.emulator = "/opt/vmm";
    request.backend = "cpr-vmm";
    EXPECT_TRUE(request.is_for_cpr_vmm());
}

TEST(DomainRequest, ReadsAPolicy) {
    const PolicyChange change = parse_policy_text("allowed=no,mode=exec,max-pause=500");
    EXPECT_EQ(change.allowed, false);
    EXPECT_EQ(change.mode, "exec");
    EXPECT_EQ(change.max_pause, 500u);
    EXPECT_FALSE(change.reset);
    const PolicyChange part = parse_policy_text("max-pause=0");
    EXPECT_EQ(part.max_pause, 0u);
    EXPECT_FALSE(part.allowed || part.mode);
    EXPECT_TRUE(parse_policy_text("default").reset);
    for (const char* text : {"", "allowed", "allowed=maybe", "max-pause=1s", "max-pause=-1",
                             "day=sunday", "allowed=no,,mode=exec"}) {
        EXPECT_THROW(parse_policy_text(text), Error) << text;
    }
}

}  // namespace
}  // namespace cpr::tools

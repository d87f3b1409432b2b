// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/policy.h"

#include <gtest/gtest.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <nlohmann/json.hpp>

#include "unit/client/support.h"

namespace cpr::client {
namespace {

using nlohmann::json;

TEST(Policy, WithoutOneAllIsAllowed) {
    EXPECT_FALSE(to_element(Policy()));
    EXPECT_EQ(parse_policy("<policy/>"), Policy());
    EXPECT_EQ(under_policy(Policy(), json::object()), json::object());
    const json arguments{{"binary", "/b"}, {"mode", "exec"}, {"max-pause", 5}};
    EXPECT_EQ(under_policy(Policy(), arguments), arguments);
}

TEST(Policy, IsWrittenAsItIsRead) {
    for (const Policy& policy : {Policy{false, "auto", 0}, Policy{true, "exec", 500},
                                 Policy{true, "transfer", 0}, Policy{false, "auto", 4294967295}}) {
        EXPECT_EQ(parse_policy(to_element(policy).value()), policy);
    }
}

TEST(Policy, WhatIsNotUnderstoodIsRefused) {
    for (const char* element :
         {"", "policy", "<policy", "<other/>", "<policy allowed='maybe'/>", "<policy allowed=''/>",
          "<policy mode='fast'/>", "<policy max-pause='0'/>", "<policy max-pause='-1'/>",
          "<policy max-pause='1s'/>", "<policy max-pause='4294967296'/>", "<policy days='sunday'/>",
          "<policy><allowed>no</allowed></policy>",
          "<!DOCTYPE p [<!ENTITY e 'no'>]><policy allowed='&f;'/>"}) {
        EXPECT_EQ(code_of([&] { parse_policy(element); }), "invalid-argument") << element;
    }
}

TEST(Policy, RefusesWhatItDoesNotAllow) {
    EXPECT_EQ(code_of([] {
                  under_policy(Policy{false, "auto", 0}, json::object());
              }),
              "not-allowed");
    EXPECT_EQ(code_of([] {
                  under_policy(Policy{true, "exec", 0}, {{"mode", "transfer"}});
              }),
              "not-allowed");
}

TEST(Policy, AddsItsLimitsToARequest) {
    const Policy policy{true, "exec", 500};
    EXPECT_EQ(under_policy(policy, {{"binary", "/b"}}),
              json({{"binary", "/b"}, {"mode", "exec"}, {"max-pause", 500}}));
    EXPECT_EQ(under_policy(policy, {{"mode", "auto"}, {"max-pause", 400}}),
              json({{"mode", "exec"}, {"max-pause", 400}}));
    EXPECT_EQ(under_policy(policy, {{"mode", "exec"}, {"max-pause", 600}}),
              json({{"mode", "exec"}, {"max-pause", 500}}));
}

TEST(Policy, ParametersChangeWhatTheyName) {
    TypedParams params;
    params.add_boolean(VIR_DOMAIN_CPR_POLICY_ALLOWED, false);
    params.add_uint(VIR_DOMAIN_CPR_POLICY_MAX_PAUSE, 7);
    EXPECT_EQ(changed_by(Policy{true, "exec", 500}, params.data(), params.size()),
              (Policy{false, "exec", 7}));
    const TypedParams all = to_params(Policy{true, "transfer", 9});
    EXPECT_EQ(changed_by(Policy(), all.data(), all.size()), (Policy{true, "transfer", 9}));
}

TEST(Policy, ParametersThatItDoesNotHaveAreRefused) {
    TypedParams unknown;
    unknown.add_boolean("sundays", true);
    TypedParams of_wrong_type;
    of_wrong_type.add_uint(VIR_DOMAIN_CPR_POLICY_ALLOWED, 0);
    TypedParams of_wrong_value;
    of_wrong_value.add_string(VIR_DOMAIN_CPR_POLICY_MODE, "fast");
    for (const TypedParams* params : {&unknown, &of_wrong_type, &of_wrong_value}) {
        EXPECT_EQ(code_of([&] { changed_by(Policy(), params->data(), params->size()); }),
                  "invalid-argument");
    }
}

}  // namespace
}  // namespace cpr::client

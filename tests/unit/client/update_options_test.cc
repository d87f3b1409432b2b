// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/update_options.h"

#include <gtest/gtest.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <nlohmann/json.hpp>

#include "client/call_error.h"
#include "client/monitor.h"
#include "client/typed_params.h"

namespace cpr::client {
namespace {

using nlohmann::json;

UpdateOptions read(const TypedParams& params) {
    return read_update_options(params.data(), params.size());
}

// The reason for which they are refused.
std::string refusal(const TypedParams& params) {
    try {
        read(params);
    } catch (const CallError& error) {
        EXPECT_EQ(error.code(), "invalid-argument");
        return error.message();
    }
    return "none";
}

TEST(UpdateOptions, AreAllReadAndSent) {
    TypedParams params;
    params.add_string(VIR_DOMAIN_CPR_PARAM_EMULATOR, "/vmm");
    params.add_string(VIR_DOMAIN_CPR_PARAM_MODE, VIR_DOMAIN_CPR_MODE_EXEC);
    params.add_uint(VIR_DOMAIN_CPR_PARAM_TIMEOUT, 5000);
    params.add_uint(VIR_DOMAIN_CPR_PARAM_MAX_PAUSE, 100);
    EXPECT_EQ(update_arguments(read(params)),
              (json{{"binary", "/vmm"}, {"mode", "exec"}, {"timeout", 5000}, {"max-pause", 100}}));
}

TEST(UpdateOptions, MayBeNone) {
    EXPECT_EQ(update_arguments(read_update_options(nullptr, 0)), json::object());
    TypedParams params;
    params.add_string(VIR_DOMAIN_CPR_PARAM_MODE, VIR_DOMAIN_CPR_MODE_AUTO);
    EXPECT_EQ(update_arguments(read(params)), json::object());
}

TEST(UpdateOptions, AreRefusedByName) {
    TypedParams unknown;
    unknown.add_string("emulatr", "/vmm");
    EXPECT_EQ(refusal(unknown), "parameter 'emulatr' is not supported");
    TypedParams relative;
    relative.add_string(VIR_DOMAIN_CPR_PARAM_EMULATOR, "vmm");
    EXPECT_EQ(refusal(relative), "'vmm' is no absolute path of an emulator");
    TypedParams empty;
    empty.add_string(VIR_DOMAIN_CPR_PARAM_EMULATOR, "");
    EXPECT_EQ(refusal(empty), "'' is no absolute path of an emulator");
    TypedParams mode;
    mode.add_string(VIR_DOMAIN_CPR_PARAM_MODE, "fast");
    EXPECT_EQ(refusal(mode), "'fast' is no mode of an update; modes are auto, exec, transfer");
    TypedParams number;
    number.add_ullong(VIR_DOMAIN_CPR_PARAM_TIMEOUT, 5);
    EXPECT_EQ(refusal(number), "parameter 'timeout' has to be of type unsigned int");
    TypedParams zero;
    zero.add_uint(VIR_DOMAIN_CPR_PARAM_MAX_PAUSE, 0);
    EXPECT_EQ(refusal(zero), "parameter 'max-pause' must be above 0");
}

TEST(UpdateOptions, MustNotBeThereTwice) {
    TypedParams params;
    params.add_uint(VIR_DOMAIN_CPR_PARAM_TIMEOUT, 5);
    params.add_uint(VIR_DOMAIN_CPR_PARAM_TIMEOUT, 6);
    EXPECT_EQ(refusal(params), "parameter 'timeout' is there twice");
}

TEST(UpdateOptions, NeedAListForTheirNumber) {
    EXPECT_THROW(read_update_options(nullptr, 1), CallError);
    EXPECT_THROW(read_update_options(nullptr, -1), CallError);
}

}  // namespace
}  // namespace cpr::client

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/update_options.h"

#include <fmt/format.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/translate.h"
#include "client/call_error.h"

namespace cpr::client {

namespace {

struct Option {
    const char* name;
    std::string UpdateOptions::*text;
    unsigned int UpdateOptions::*milliseconds = nullptr;
};

constexpr std::array kOptions{
    Option{VIR_DOMAIN_CPR_PARAM_EMULATOR, &UpdateOptions::emulator},
    Option{VIR_DOMAIN_CPR_PARAM_MODE, &UpdateOptions::mode},
    Option{VIR_DOMAIN_CPR_PARAM_TIMEOUT, nullptr, &UpdateOptions::timeout},
    Option{VIR_DOMAIN_CPR_PARAM_MAX_PAUSE, nullptr, &UpdateOptions::max_pause},
};

constexpr std::array<std::string_view, 3> kModes{VIR_DOMAIN_CPR_MODE_AUTO, VIR_DOMAIN_CPR_MODE_EXEC,
                                                 VIR_DOMAIN_CPR_MODE_TRANSFER};

CallError wrong(const std::string& text) {
    return CallError("invalid-argument", text);
}

const Option& option_of(const virTypedParameter& param) {
    auto is_named = [&](const Option& option) {
        return std::string_view(param.field) == option.name;
    };
    auto found = std::find_if(kOptions.begin(), kOptions.end(), is_named);
    if (found == kOptions.end()) {
        throw wrong(format_text(_("parameter '{}' is not supported"), param.field));
    }
    int wanted = found->text ? VIR_TYPED_PARAM_STRING : VIR_TYPED_PARAM_UINT;
    if (param.type != wanted) {
        throw wrong(format_text(_("parameter '{}' has to be of type {}"), param.field,
                                found->text ? "string" : "unsigned int"));
    }
    return *found;
}

std::string text_of(const virTypedParameter& param) {
    if (!param.value.s) {
        throw wrong(format_text(_("parameter '{}' has no value"), param.field));
    }
    return param.value.s;
}

void take(const virTypedParameter& param, UpdateOptions& options) {
    const Option& option = option_of(param);
    if (option.text) {
        options.*option.text = text_of(param);
    } else if (param.value.ui > 0) {
        options.*option.milliseconds = param.value.ui;
    } else {
        throw wrong(format_text(_("parameter '{}' must be above 0"), param.field));
    }
}

void check(const UpdateOptions& options, const std::set<std::string_view>& given) {
    if (given.contains(VIR_DOMAIN_CPR_PARAM_EMULATOR)) {
        check_emulator(options.emulator);
    }
    if (given.contains(VIR_DOMAIN_CPR_PARAM_MODE) && !is_update_mode(options.mode)) {
        throw wrong(format_text(_("'{}' is no mode of an update; modes are {}"), options.mode,
                                fmt::join(kModes, ", ")));
    }
}

}  // namespace

// The path is one of the host on which the guest runs, which need not be this one, so it is
// neither completed nor looked up here.
void check_emulator(const std::string& path) {
    if (!path.starts_with('/')) {
        throw wrong(format_text(_("'{}' is no absolute path of an emulator"), path));
    }
}

bool is_update_mode(std::string_view name) {
    return std::find(kModes.begin(), kModes.end(), name) != kModes.end();
}

UpdateOptions read_update_options(virTypedParameterPtr params, int nparams) {
    if (nparams < 0 || (nparams > 0 && !params)) {
        throw wrong(_("params must not be NULL, nor nparams be negative"));
    }
    UpdateOptions options;
    std::set<std::string_view> given;
    for (int i = 0; i < nparams; ++i) {
        take(params[i], options);
        if (!given.insert(params[i].field).second) {
            throw wrong(format_text(_("parameter '{}' is there twice"), params[i].field));
        }
    }
    check(options, given);
    return options;
}

}  // namespace cpr::client

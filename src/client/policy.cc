// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/policy.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/translate.h"
#include "client/call_error.h"
#include "client/domain_metadata.h"
#include "client/update_options.h"
#include "client/xml_document.h"

namespace cpr::client {

using nlohmann::json;

namespace {

constexpr const char* kElement = "policy";
constexpr const char* kAllowed = VIR_DOMAIN_CPR_POLICY_ALLOWED;
constexpr const char* kMode = VIR_DOMAIN_CPR_POLICY_MODE;
constexpr const char* kMaxPause = VIR_DOMAIN_CPR_POLICY_MAX_PAUSE;

CallError bad_value(const std::string& name, const std::string& value, const char* expected) {
    return CallError("invalid-argument", format_text(_("the policy's '{}' is '{}'; it must be {}"),
                                                     name, value, expected));
}

bool parse_yes_no(const std::string& name, const std::string& value) {
    if (value != "yes" && value != "no") {
        throw bad_value(name, value, _("'yes' or 'no'"));
    }
    return value == "yes";
}

const std::string& check_mode(const std::string& value) {
    if (!is_update_mode(value)) {
        throw bad_value(kMode, value, _("'auto', 'exec' or 'transfer'"));
    }
    return value;
}

unsigned int parse_pause(const std::string& value) {
    unsigned int number = 0;
    const char* end_of_text = value.data() + value.size();
    auto [end, error] = std::from_chars(value.data(), end_of_text, number);
    if (error != std::errc() || end != end_of_text || number == 0) {
        throw bad_value(kMaxPause, value, _("a number of milliseconds above 0"));
    }
    return number;
}

void check_type(const virTypedParameter& param, int type, const char* name) {
    if (param.type != type) {
        throw CallError("invalid-argument",
                        format_text(_("the parameter '{}' must be a {}"), param.field, name));
    }
}

CallError not_allowed(const std::string& text) {
    return CallError("not-allowed", text);
}

}  // namespace

Policy parse_policy(const std::string& element) {
    const XmlDocument document(element, _("the domain's policy for updates"));
    Policy policy;
    for (const std::string& name : attribute_names(document.root())) {
        const std::string value = attribute(document.root(), name.c_str()).value_or("");
        if (name == kAllowed) {
            policy.allowed = parse_yes_no(name, value);
        } else if (name == kMode) {
            policy.mode = check_mode(value);
        } else if (name == kMaxPause) {
            policy.max_pause = parse_pause(value);
        } else {
            throw CallError("invalid-argument",
                            format_text(_("the domain's policy for updates has '{}', which this "
                                          "libvirt-cpr does not know"),
                                        name));
        }
    }
    if (name_of(document.root()) != kElement || !child_elements(document.root()).empty()) {
        throw CallError("invalid-argument",
                        _("the domain's policy for updates is not the one element <policy>"));
    }
    return policy;
}

std::optional<std::string> to_element(const Policy& policy) {
    if (policy == Policy()) {
        return std::nullopt;
    }
    const XmlDocument document = XmlDocument::with_root(kElement);
    set_attribute(document.root(), kAllowed, policy.allowed ? "yes" : "no");
    set_attribute(document.root(), kMode, policy.mode);
    if (policy.max_pause > 0) {
        set_attribute(document.root(), kMaxPause, std::to_string(policy.max_pause));
    }
    return document.text();
}

TypedParams to_params(const Policy& policy) {
    TypedParams params;
    params.add_boolean(kAllowed, policy.allowed);
    params.add_string(kMode, policy.mode);
    params.add_uint(kMaxPause, policy.max_pause);
    return params;
}

Policy changed_by(Policy policy, const virTypedParameter* params, int count) {
    for (int i = 0; i < count; ++i) {
        const virTypedParameter& param = params[i];
        const std::string name(param.field, strnlen(param.field, VIR_TYPED_PARAM_FIELD_LENGTH));
        if (name == kAllowed) {
            check_type(param, VIR_TYPED_PARAM_BOOLEAN, "boolean");
            policy.allowed = param.value.b != 0;
        } else if (name == kMode) {
            check_type(param, VIR_TYPED_PARAM_STRING, "string");
            policy.mode = check_mode(param.value.s ? param.value.s : "");
        } else if (name == kMaxPause) {
            check_type(param, VIR_TYPED_PARAM_UINT, "unsigned int");
            policy.max_pause = param.value.ui;
        } else {
            throw CallError("invalid-argument",
                            format_text(_("a policy has no parameter '{}'"), name));
        }
    }
    return policy;
}

Policy read_policy(virDomainPtr domain, unsigned int flags) {
    const auto element = read_metadata(domain, kPolicyUri, flags);
    return element ? parse_policy(*element) : Policy();
}

json under_policy(const Policy& policy, json arguments) {
    if (!policy.allowed) {
        throw not_allowed(_("the domain's policy does not allow updates in place"));
    }
    if (policy.mode != VIR_DOMAIN_CPR_MODE_AUTO) {
        const std::string mode = arguments.value("mode", VIR_DOMAIN_CPR_MODE_AUTO);
        if (mode != VIR_DOMAIN_CPR_MODE_AUTO && mode != policy.mode) {
            throw not_allowed(format_text(_("the domain's policy allows updates in mode {} alone, "
                                            "and not in mode {}"),
                                          policy.mode, mode));
        }
        arguments["mode"] = policy.mode;
    }
    if (policy.max_pause > 0) {
        arguments["max-pause"] =
            std::min(policy.max_pause, arguments.value("max-pause", policy.max_pause));
    }
    return arguments;
}

}  // namespace cpr::client

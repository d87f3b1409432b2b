// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/flat_params.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text_json.h"
#include "base/text_translation.h"

namespace cpr::client {

using nlohmann::json;

namespace {

std::string joined(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
}

void add_value(TypedParams& params, const std::string& name, const json& value);

// The members that are texts for people, in the caller's language; what they are made of stays out.
constexpr std::array kTexts{"desc", "reason", "remedy", "skipped"};

bool is_text(const std::string& name) {
    return std::ranges::find(kTexts, name) != kTexts.end();
}

bool is_parts(const std::string& name) {
    return std::ranges::any_of(kTexts, [&](const char* text) { return name == parts_name(text); });
}

void add_members(TypedParams& params, const std::string& prefix, const json& object) {
    for (const auto& [name, value] : object.items()) {
        if (is_text(name) && value.is_string()) {
            add_value(params, joined(prefix, name), translation_of(text_in(object, name)));
        } else if (!is_parts(name)) {
            add_value(params, joined(prefix, name), value);
        }
    }
}

void add_list(TypedParams& params, const std::string& prefix, const json& list) {
    params.add_uint(joined(prefix, "count"), static_cast<unsigned int>(list.size()));
    for (std::size_t i = 0; i < list.size(); ++i) {
        add_value(params, joined(prefix, std::to_string(i)), list[i]);
    }
}

void add_value(TypedParams& params, const std::string& name, const json& value) {
    if (name.size() >= VIR_TYPED_PARAM_FIELD_LENGTH) {
        return;  // also the end of the recursion, whatever a peer sends
    }
    switch (value.type()) {
        case json::value_t::object:
            return add_members(params, name, value);
        case json::value_t::array:
            return add_list(params, name, value);
        case json::value_t::string:
            return params.add_string(name, value.get_ref<const std::string&>());
        case json::value_t::boolean:
            return params.add_boolean(name, value.get<bool>());
        case json::value_t::number_unsigned:
            return params.add_ullong(name, value.get<unsigned long long>());
        case json::value_t::number_integer:
            return params.add_llong(name, value.get<long long>());
        case json::value_t::number_float:
            return params.add_double(name, value.get<double>());
        default:
            return;  // null says that there is nothing to say
    }
}

}  // namespace

TypedParams flattened(const json& object) {
    TypedParams params;
    add_members(params, "", object);
    return params;
}

}  // namespace cpr::client

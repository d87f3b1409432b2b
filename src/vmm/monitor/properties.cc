// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/monitor/properties.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace cpr::vmm {
namespace {

constexpr size_t kMaxShownText = 120;

// Cuts at single commas; a doubled one stands for itself.
std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts(1);
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',')
            parts.back() += text[i];
        else if (i + 1 < text.size() && text[i + 1] == ',')
            parts.back() += text[i++];
        else
            parts.emplace_back();
    }
    return parts;
}

std::string to_text(const nlohmann::json& value) {
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_boolean())
        return value.get<bool>() ? "on" : "off";
    return value.dump();
}

std::optional<uint64_t> to_number(std::string_view text) {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex)
        text.remove_prefix(2);
    uint64_t number = 0;
    const auto [end, problem] =
        std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

// The bytes that a size suffix stands for; 0 if it is none.
uint64_t size_unit(char suffix) {
    constexpr std::string_view kSuffixes = "bkmgt";
    const size_t index = kSuffixes.find(static_cast<char>(suffix | 0x20));
    return index == std::string_view::npos ? 0 : uint64_t{1} << (10 * index);
}

std::string join(std::initializer_list<std::string_view> values) {
    std::string text;
    for (const std::string_view value : values)
        text += fmt::format("{}'{}'", text.empty() ? "" : " or ", value);
    return text;
}

}  // namespace

Properties::Properties(std::string_view option, std::string_view text, std::string_view implied_key)
    : where_(fmt::format("{} {}{}", option, text.substr(0, kMaxShownText),
                         text.size() > kMaxShownText ? "..." : "")) {
    if (text.starts_with('{'))
        parse_json(text);
    else
        parse_pairs(text, implied_key);
}

void Properties::parse_json(std::string_view text) {
    const auto object = nlohmann::json::parse(text, nullptr, false);
    if (!object.is_object())
        throw error(ErrorCode::kInvalidArgument, "the JSON object cannot be parsed");
    for (const auto& [key, value] : object.items()) {
        if (value.is_structured())
            throw error(ErrorCode::kUnsupported, "property '{}' is a list or an object", key);
        add(key, to_text(value));
    }
}

void Properties::parse_pairs(std::string_view text, std::string_view implied_key) {
    bool first = true;
    for (std::string& part : split(text)) {
        const size_t equals = part.find('=');
        if (equals != std::string::npos)
            add(part.substr(0, equals), part.substr(equals + 1));
        else if (first && !implied_key.empty())
            add(std::string(implied_key), std::move(part));
        else
            throw error(ErrorCode::kInvalidArgument, "'{}' has no value: KEY=VALUE expected", part);
        first = false;
    }
}

void Properties::add(std::string key, std::string value) {
    if (key.empty())
        throw error(ErrorCode::kInvalidArgument, "a property without a name");
    if (!values_.emplace(key, std::move(value)).second)
        throw error(ErrorCode::kInvalidArgument, "property '{}' is given twice", key);
}

std::optional<std::string> Properties::take(std::string_view key) {
    const auto found = values_.find(std::string(key));
    if (found == values_.end())
        return std::nullopt;
    std::string value = std::move(found->second);
    values_.erase(found);
    return value;
}

std::string Properties::require(std::string_view key) {
    auto value = take(key);
    if (!value || value->empty())
        throw error(ErrorCode::kInvalidArgument, "property '{}' is missing", key);
    return *value;
}

bool Properties::take_bool(std::string_view key, bool otherwise) {
    const auto value = take(key);
    if (!value)
        return otherwise;
    for (const std::string_view yes : {"on", "yes", "true", "y"})
        if (*value == yes)
            return true;
    for (const std::string_view no : {"off", "no", "false", "n"})
        if (*value == no)
            return false;
    throw error(ErrorCode::kInvalidArgument, "property '{}' is '{}', not 'on' or 'off'", key,
                *value);
}

std::optional<uint64_t> Properties::take_number(std::string_view key, uint64_t limit) {
    const auto value = take(key);
    if (!value)
        return std::nullopt;
    const auto number = to_number(*value);
    if (!number)
        throw error(ErrorCode::kInvalidArgument, "property '{}' is '{}', not a number", key,
                    *value);
    if (*number > limit)
        throw error(ErrorCode::kInvalidArgument, "property '{}' is {}, more than {}", key, *number,
                    limit);
    return number;
}

uint64_t Properties::require_number(std::string_view key, uint64_t limit) {
    const auto number = take_number(key, limit);
    if (!number)
        throw error(ErrorCode::kInvalidArgument, "property '{}' is missing", key);
    return *number;
}

std::optional<uint64_t> Properties::take_size(std::string_view key, uint64_t unit) {
    const auto value = take(key);
    if (!value)
        return std::nullopt;
    std::string_view digits = *value;
    if (!digits.empty() && !digits.starts_with("0x") && size_unit(digits.back()) > 0) {
        unit = size_unit(digits.back());
        digits.remove_suffix(1);
    }
    const auto number = to_number(digits);
    if (!number || *number > UINT64_MAX / unit)
        throw error(ErrorCode::kInvalidArgument, "property '{}' is '{}', not a size", key, *value);
    return *number * unit;
}

void Properties::only(std::string_view key, std::initializer_list<std::string_view> values) {
    const auto value = take(key);
    if (!value)
        return;
    for (const std::string_view allowed : values)
        if (*value == allowed)
            return;
    throw error(ErrorCode::kUnsupported, "property '{}' is '{}': only {} is supported", key, *value,
                join(values));
}

std::map<std::string, std::string> Properties::take_rest() {
    return std::exchange(values_, {});
}

void Properties::finish() const {
    if (!values_.empty())
        throw error(ErrorCode::kUnsupported, "property '{}' is not supported",
                    values_.begin()->first);
}

}  // namespace cpr::vmm

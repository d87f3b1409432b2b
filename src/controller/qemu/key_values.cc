// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/key_values.h"

#include <algorithm>
#include <utility>

namespace cpr::controller::qemu {
namespace {

// Takes a value off the front of `rest`, up to a comma that stands alone.
std::string take_value(std::string_view& rest) {
    std::string value;
    size_t i = 0;
    for (; i < rest.size(); ++i) {
        if (rest[i] == ',') {
            if (i + 1 == rest.size() || rest[i + 1] != ',')
                break;
            ++i;
        }
        value += rest[i];
    }
    rest.remove_prefix(i);
    return value;
}

}  // namespace

std::string escape_commas(std::string_view value) {
    std::string text;
    for (const char c : value)
        text.append(c == ',' ? 2 : 1, c);
    return text;
}

// A key ends at the first '=' or ','; only values can have commas.
KeyValues::Pair KeyValues::read_pair(std::string_view& rest, std::string_view implied_key) {
    Pair pair;
    const std::string_view start = rest;
    const size_t end = std::min(rest.find_first_of("=,"), rest.size());
    if (end < rest.size() && rest[end] == '=') {
        pair.key = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        pair.value = take_value(rest);
    } else if (!implied_key.empty()) {
        pair.key = implied_key;
        pair.value = take_value(rest);
    } else {
        pair.key = rest.substr(0, end);
        pair.value = "on";
        pair.flag = true;
        rest.remove_prefix(end);
    }
    pair.raw = start.substr(0, start.size() - rest.size());
    return pair;
}

KeyValues::KeyValues(std::string_view text, std::string_view implied_key) {
    while (!text.empty()) {
        pairs_.push_back(read_pair(text, pairs_.empty() ? implied_key : std::string_view()));
        if (text.empty())
            return;
        text.remove_prefix(1);
        // A comma at the end separates from nothing, but it was there.
        if (text.empty())
            pairs_.push_back({});
    }
}

std::optional<std::string> KeyValues::value_for(const Pair& pair, std::string_view key) const {
    if (pair.key == key)
        return pair.value;
    // "nowait" is the old way to write wait=off.
    if (pair.flag && pair.key.size() == key.size() + 2 && pair.key.starts_with("no") &&
        pair.key.ends_with(key))
        return "off";
    return std::nullopt;
}

std::optional<std::string> KeyValues::get(std::string_view key) const {
    for (auto pair = pairs_.rbegin(); pair != pairs_.rend(); ++pair)
        if (auto value = value_for(*pair, key))
            return value;
    return std::nullopt;
}

void KeyValues::set(std::string_view key, std::string_view value) {
    if (get(key) == value)
        return;
    drop_empty_pairs();
    Pair changed{std::string(key), std::string(value), {}, false};
    changed.raw = changed.key + '=' + escape_commas(value);
    const auto first = std::ranges::find_if(
        pairs_, [&](const Pair& pair) { return value_for(pair, key).has_value(); });
    if (first == pairs_.end()) {
        pairs_.push_back(std::move(changed));
        return;
    }
    // A first value without key keeps that form, if it can.
    if (first == pairs_.begin() && !first->flag && !first->raw.starts_with(changed.key + '=') &&
        value.find('=') == std::string_view::npos)
        changed.raw = escape_commas(value);
    *first = std::move(changed);
    pairs_.erase(std::remove_if(std::next(first), pairs_.end(),
                                [&](const Pair& pair) { return value_for(pair, key).has_value(); }),
                 pairs_.end());
}

void KeyValues::erase(std::string_view key) {
    if (!get(key))
        return;
    drop_empty_pairs();
    std::erase_if(pairs_, [&](const Pair& pair) { return value_for(pair, key).has_value(); });
}

// What is written after an empty pair would be taken for a part of the value before it.
void KeyValues::drop_empty_pairs() {
    std::erase_if(pairs_, [](const Pair& pair) { return pair.key.empty(); });
}

std::vector<std::string> KeyValues::keys() const {
    std::vector<std::string> keys;
    for (const Pair& pair : pairs_)
        if (!pair.key.empty())
            keys.push_back(pair.key);
    return keys;
}

std::vector<std::string> KeyValues::values(std::string_view key) const {
    std::vector<std::string> values;
    for (const Pair& pair : pairs_)
        if (auto value = value_for(pair, key))
            values.push_back(std::move(*value));
    return values;
}

std::string KeyValues::text() const {
    std::string text;
    for (const Pair& pair : pairs_)
        text.append(&pair == pairs_.data() ? "" : ",").append(pair.raw);
    return text;
}

}  // namespace cpr::controller::qemu

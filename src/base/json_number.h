// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_JSON_NUMBER_H
#define CPR_BASE_JSON_NUMBER_H

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace cpr {

// An integer of a JSON document that somebody else wrote; nothing if it is none of T's. (get<T>()
// cuts fractions off, and makes something of numbers that T does not have.)
template <std::integral T>
std::optional<T> integer_in(const nlohmann::json& value) {
    const auto in_range = [](auto number) {
        return std::in_range<T>(number) ? std::optional(static_cast<T>(number)) : std::nullopt;
    };
    if (value.is_number_unsigned())
        return in_range(value.get<uint64_t>());
    if (value.is_number_integer())
        return in_range(value.get<int64_t>());
    return std::nullopt;
}

}  // namespace cpr

#endif

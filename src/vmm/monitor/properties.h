// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_MONITOR_PROPERTIES_H
#define CPR_VMM_MONITOR_PROPERTIES_H

#include <fmt/core.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cpr::vmm {

// The properties of one command line option, from "key=value,other=value" (",," is a comma in a
// value) or from a JSON object. Whoever knows a property takes it; finish() refuses what is left.
// All functions throw Error kInvalidArgument or kUnsupported, which names the option.
class Properties {
  public:
    // A first part without '=' belongs to `implied_key`, if there is one. JSON values become text:
    // true and false as "on" and "off", numbers in decimal, anything nested as JSON.
    Properties(std::string_view option, std::string_view text, std::string_view implied_key = {});

    bool has(std::string_view key) const { return values_.contains(std::string(key)); }
    std::optional<std::string> take(std::string_view key);
    std::string require(std::string_view key);
    bool take_bool(std::string_view key, bool otherwise);
    // Decimal or 0x...; at most `limit`.
    std::optional<uint64_t> take_number(std::string_view key, uint64_t limit = UINT64_MAX);
    uint64_t require_number(std::string_view key, uint64_t limit = UINT64_MAX);
    // Bytes, with the suffixes b, k, m, g, t; a bare number counts in `unit` bytes.
    std::optional<uint64_t> take_size(std::string_view key, uint64_t unit = 1);
    // For what has one possible behaviour here: the property is absent, or one of `values`.
    void only(std::string_view key, std::initializer_list<std::string_view> values);
    // Everything that nobody took.
    std::map<std::string, std::string> take_rest();
    void finish() const;

    // An error about this option: "-chardev socket,id=x: ...".
    template <typename... Args>
    Error error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
        return Error(code, "{}: {}", where_, fmt::format(format, std::forward<Args>(args)...));
    }

  private:
    void parse_json(std::string_view text);
    void parse_pairs(std::string_view text, std::string_view implied_key);
    void add(std::string key, std::string value);

    std::string where_;
    std::map<std::string, std::string> values_;
};

}  // namespace cpr::vmm

#endif

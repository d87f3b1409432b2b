// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_request.h"

#include <charconv>
#include <limits>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

// As milliseconds it has to fit the library's unsigned int.
constexpr unsigned int kLongestTimeout = std::numeric_limits<unsigned int>::max() / 1000;

template <typename... Args>
Error bad_words(const char* text, const Args&... args) {
    return Error(ErrorCode::kInvalidArgument, format_text(text, args...));
}

unsigned int parse_number(const char* option, const std::string& text, unsigned int greatest) {
    unsigned int number = 0;
    const char* end_of_text = text.data() + text.size();
    auto [end, error] = std::from_chars(text.data(), end_of_text, number);
    if (error != std::errc() || end != end_of_text || number < 1 || number > greatest) {
        throw bad_words(_("Numeric value '{}' for <{}> option is malformed or out of range"), text,
                        option);
    }
    return number;
}

struct Given {
    bool is_given;
    const char* name;
};

// No option of one list goes with another one of the other list.
void exclude(std::span<const Given> these, std::span<const Given> those) {
    for (const Given& one : these) {
        for (const Given& other : those) {
            if (one.is_given && other.is_given && std::string_view(one.name) != other.name) {
                throw bad_words(_("Options --{} and --{} are mutually exclusive"), one.name,
                                other.name);
            }
        }
    }
}

}  // namespace

unsigned int parse_timeout(const std::string& text) {
    return parse_number("timeout", text, kLongestTimeout);
}

unsigned int parse_max_pause(const std::string& text) {
    return parse_count("max-pause", text);
}

unsigned int parse_count(const char* option, const std::string& text) {
    return parse_number(option, text, std::numeric_limits<unsigned int>::max());
}

void check_options(const UpdateRequest& request) {
    const Given starts_nothing[] = {
        {request.info, "info"}, {request.wait, "wait"}, {request.abort, "abort"}};
    const Given starts[] = {{request.async, "async"}, {request.check, "check"}};
    const Given how[] = {{request.timeout_seconds > 0, "timeout"},
                         {request.max_pause_milliseconds > 0, "max-pause"},
                         {!request.mode.empty(), "mode"},
                         {!request.emulator.empty(), "emulator"}};
    exclude(starts_nothing, starts_nothing);
    exclude(starts_nothing, starts);
    exclude(starts_nothing, how);
    exclude(starts, starts);
    if (!request.mode.empty() && request.mode != "auto" && request.mode != "exec" &&
        request.mode != "transfer") {
        throw bad_words(_("'{}' is no mode; modes are auto, exec and transfer"), request.mode);
    }
}

void refuse_beside(const char* option, const UpdateRequest& request) {
    const Given instead[] = {{true, option}};
    const Given updates[] = {{request.info, "info"},
                             {request.wait, "wait"},
                             {request.abort, "abort"},
                             {request.async, "async"},
                             {request.check, "check"},
                             {request.timeout_seconds > 0, "timeout"},
                             {request.max_pause_milliseconds > 0, "max-pause"},
                             {!request.mode.empty(), "mode"}};
    exclude(instead, updates);
}

}  // namespace cpr::tools

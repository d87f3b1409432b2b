// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_request.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

struct Option {
    const char* name;
    std::string UpdateRequest::*text;  // set for an option that has a value
    bool UpdateRequest::*flag;         // set for one that has none
    unsigned int UpdateRequest::*number = nullptr;
    unsigned int (*parse)(const std::string& text) = nullptr;
    bool by_place = false;

    const char* value_kind() const { return number ? "number" : "string"; }
};

// As milliseconds it has to fit the library's unsigned int.
constexpr unsigned int kLongestTimeout = std::numeric_limits<unsigned int>::max() / 1000;

constexpr std::array kOptions{
    Option{"domain", &UpdateRequest::domain, nullptr, nullptr, nullptr, true},
    Option{"emulator", &UpdateRequest::emulator, nullptr, nullptr, nullptr, true},
    Option{"check", nullptr, &UpdateRequest::check},
    Option{"verbose", nullptr, &UpdateRequest::verbose},
    Option{"timeout", nullptr, nullptr, &UpdateRequest::timeout_seconds, parse_timeout},
    Option{"max-pause", nullptr, nullptr, &UpdateRequest::max_pause_milliseconds, parse_max_pause},
    Option{"mode", &UpdateRequest::mode, nullptr},
    Option{"async", nullptr, &UpdateRequest::async},
    Option{"wait", nullptr, &UpdateRequest::wait},
    Option{"abort", nullptr, &UpdateRequest::abort},
    Option{"info", nullptr, &UpdateRequest::info},
    Option{"json", nullptr, &UpdateRequest::json},
    Option{"help", nullptr, &UpdateRequest::help},
};

template <typename... Args>
Error bad_words(const char* text, const Args&... args) {
    return Error(ErrorCode::kInvalidArgument, format_text(text, args...));
}

bool looks_like_option(const std::string& word) {
    return word.size() > 2 && word.starts_with("--") &&
           std::isalnum(static_cast<unsigned char>(word[2]));
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

class WordParser {
  public:
    explicit WordParser(const std::vector<std::string>& words) : words_(words) {}

    UpdateRequest parse() {
        bool options_ended = false;
        while (next_ < words_.size()) {
            const std::string& word = words_[next_++];
            if (!options_ended && word == "--") {
                options_ended = true;
            } else if (!options_ended && looks_like_option(word)) {
                take_option(word.substr(2));
            } else {
                take_data(word);
            }
        }
        if (!request_.help) {
            check_domain();
            check_options(request_);
        }
        return request_;
    }

  private:
    void take_option(const std::string& word) {
        std::size_t equals = word.find('=');
        std::string name = word.substr(0, equals);
        std::optional<std::string> value;
        if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        }
        const Option& option = find(name);
        mark_seen(option);
        if (option.flag) {
            if (value) {
                throw bad_words(_("invalid '=' after option --{}"), name);
            }
            request_.*option.flag = true;
            return;
        }
        const std::string text = value ? *value : value_after(option);
        if (option.number) {
            request_.*option.number = option.parse(text);
        } else {
            request_.*option.text = text;
        }
    }

    void take_data(const std::string& word) {
        for (const Option& option : kOptions) {
            if (option.by_place && !seen_.contains(option.name)) {
                mark_seen(option);
                request_.*option.text = word;
                return;
            }
        }
        throw bad_words(_("unexpected data '{}'"), word);
    }

    const Option& find(const std::string& name) {
        auto is_named = [&](const Option& option) { return name == option.name; };
        auto found = std::find_if(kOptions.begin(), kOptions.end(), is_named);
        if (found == kOptions.end()) {
            throw bad_words(_("command '{}' doesn't support option --{}"), kUpdateCommandName,
                            name);
        }
        return *found;
    }

    void mark_seen(const Option& option) {
        if (!seen_.insert(option.name).second) {
            throw bad_words(_("option --{} already seen"), option.name);
        }
    }

    std::string value_after(const Option& option) {
        if (next_ == words_.size()) {
            throw bad_words(_("expected syntax: --{} <{}>"), option.name, option.value_kind());
        }
        return words_[next_++];
    }

    void check_domain() {
        if (!seen_.contains("domain")) {
            throw bad_words(_("command '{}' requires <{}> option"), kUpdateCommandName, "domain");
        }
        if (request_.domain.empty()) {
            throw bad_words(_("Failed to get option '{}': Option argument is empty"), "domain");
        }
    }

    const std::vector<std::string>& words_;
    std::size_t next_ = 0;
    std::set<std::string> seen_;
    UpdateRequest request_;
};

}  // namespace

UpdateRequest parse_update_words(const std::vector<std::string>& words) {
    return WordParser(words).parse();
}

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

std::vector<std::string> update_option_names() {
    std::vector<std::string> names;
    for (const Option& option : kOptions) {
        names.emplace_back(option.name);
    }
    return names;
}

}  // namespace cpr::tools

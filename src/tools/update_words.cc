// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/update_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

struct Option {
    const char* name;
    const char* value_kind;  // null for one that has no value
    void (*take)(UpdateCommand& into, const std::string& value);
    bool by_place = false;
};

// An option with a text, a number or nothing, of the update or of what is asked for instead.
template <auto member>
void set_text(UpdateCommand& into, const std::string& value) {
    into.update.*member = value;
}
template <auto member, auto parse>
void set_number(UpdateCommand& into, const std::string& value) {
    into.update.*member = parse(value);
}
template <auto member>
void set_flag(UpdateCommand& into, const std::string&) {
    into.update.*member = true;
}

constexpr std::array kOptions{
    Option{"domain", "string", set_text<&UpdateRequest::domain>, true},
    Option{"emulator", "string", set_text<&UpdateRequest::emulator>, true},
    Option{"check", nullptr, set_flag<&UpdateRequest::check>},
    Option{"verbose", nullptr, set_flag<&UpdateRequest::verbose>},
    Option{"timeout", "number", set_number<&UpdateRequest::timeout_seconds, parse_timeout>},
    Option{"max-pause", "number",
           set_number<&UpdateRequest::max_pause_milliseconds, parse_max_pause>},
    Option{"mode", "string", set_text<&UpdateRequest::mode>},
    Option{"async", nullptr, set_flag<&UpdateRequest::async>},
    Option{"wait", nullptr, set_flag<&UpdateRequest::wait>},
    Option{"abort", nullptr, set_flag<&UpdateRequest::abort>},
    Option{"info", nullptr, set_flag<&UpdateRequest::info>},
    Option{"json", nullptr, set_flag<&UpdateRequest::json>},
    Option{"enable", nullptr,
           [](UpdateCommand& into, const std::string&) {
               into.instead.ask(DomainAction::kEnable, "enable");
           }},
    Option{"disable", nullptr,
           [](UpdateCommand& into, const std::string&) {
               into.instead.ask(DomainAction::kDisable, "disable");
           }},
    Option{"backend", "string",
           [](UpdateCommand& into, const std::string& value) { into.instead.backend = value; }},
    Option{"print-xml", nullptr,
           [](UpdateCommand& into, const std::string&) { into.instead.print_xml = true; }},
    Option{"policy", nullptr,
           [](UpdateCommand& into, const std::string&) {
               into.instead.ask(DomainAction::kShowPolicy, "policy");
           }},
    Option{"set-policy", "string",
           [](UpdateCommand& into, const std::string& value) {
               into.instead.ask(DomainAction::kSetPolicy, "set-policy");
               into.instead.policy = parse_policy_text(value);
           }},
    Option{"history", nullptr,
           [](UpdateCommand& into, const std::string&) {
               into.instead.ask(DomainAction::kShowHistory, "history");
           }},
    Option{"help", nullptr, set_flag<&UpdateRequest::help>},
};

template <typename... Args>
Error bad_words(const char* text, const Args&... args) {
    return Error(ErrorCode::kInvalidArgument, format_text(text, args...));
}

bool looks_like_option(const std::string& word) {
    return word.size() > 2 && word.starts_with("--") &&
           std::isalnum(static_cast<unsigned char>(word[2]));
}

const Option* find_option(const std::string& name) {
    auto is_named = [&](const Option& option) { return name == option.name; };
    auto found = std::find_if(kOptions.begin(), kOptions.end(), is_named);
    return found == kOptions.end() ? nullptr : &*found;
}

class WordParser {
  public:
    explicit WordParser(const std::vector<std::string>& words) : words_(words) {}

    UpdateCommand parse() {
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
        if (!command_.update.help) {
            check_domain();
            complete_domain_request(command_.instead, command_.update);
            check_options(command_.update);
        }
        return command_;
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
        if (!option.value_kind && value) {
            throw bad_words(_("invalid '=' after option --{}"), name);
        }
        if (option.value_kind && !value) {
            value = value_after(option);
        }
        option.take(command_, value.value_or(""));
    }

    void take_data(const std::string& word) {
        for (const Option& option : kOptions) {
            if (option.by_place && !seen_.contains(option.name)) {
                mark_seen(option);
                option.take(command_, word);
                return;
            }
        }
        throw bad_words(_("unexpected data '{}'"), word);
    }

    static const Option& find(const std::string& name) {
        const Option* option = find_option(name);
        if (!option) {
            throw bad_words(_("command '{}' doesn't support option --{}"), kUpdateCommandName,
                            name);
        }
        return *option;
    }

    void mark_seen(const Option& option) {
        if (!seen_.insert(option.name).second) {
            throw bad_words(_("option --{} already seen"), option.name);
        }
    }

    std::string value_after(const Option& option) {
        if (next_ == words_.size()) {
            throw bad_words(_("expected syntax: --{} <{}>"), option.name, option.value_kind);
        }
        return words_[next_++];
    }

    void check_domain() {
        if (!seen_.contains("domain")) {
            throw bad_words(_("command '{}' requires <{}> option"), kUpdateCommandName, "domain");
        }
        if (command_.update.domain.empty()) {
            throw bad_words(_("Failed to get option '{}': Option argument is empty"), "domain");
        }
    }

    const std::vector<std::string>& words_;
    std::size_t next_ = 0;
    std::set<std::string> seen_;
    UpdateCommand command_;
};

bool works_without_guest(const std::string& word) {
    constexpr std::array kNames{"--enable", "--disable", "--policy", "--set-policy", "--history"};
    const std::string name = word.substr(0, word.find('='));
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

UpdateCommand parse_update_words(const std::vector<std::string>& words) {
    return WordParser(words).parse();
}

std::vector<std::string> update_option_names() {
    std::vector<std::string> names;
    for (const Option& option : kOptions) {
        names.emplace_back(option.name);
    }
    return names;
}

TypedWord typed_word(const std::vector<std::string>& words) {
    std::vector<std::string> places;
    for (const Option& option : kOptions) {
        if (option.by_place) {
            places.emplace_back(option.name);
        }
    }
    TypedWord typed;
    std::string value_of;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool is_last = i + 1 == words.size();
        typed.may_be_shut_off |= works_without_guest(word);
        if (!value_of.empty()) {
            typed.value_of = is_last ? value_of : "";
            typed.is_option = false;
            value_of.clear();
            continue;
        }
        typed.is_option = word.starts_with("--");
        if (!typed.is_option) {
            typed.value_of = is_last && !places.empty() ? places.front() : "";
            places.erase(places.begin(), places.begin() + (places.empty() ? 0 : 1));
            continue;
        }
        const std::string name = word.substr(2, word.find('=') - 2);
        std::erase(places, name);
        const Option* option = find_option(name);
        if (option && option->value_kind && word.find('=') == std::string::npos) {
            value_of = name;
        }
    }
    return typed;
}

}  // namespace cpr::tools

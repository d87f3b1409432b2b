// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/interactive_line.h"

#include <algorithm>

#include "tools/update_request.h"

namespace cpr::tools {

namespace {

// `help` because it lists our command.
bool is_own(const Words& words) {
    return words[0] == kUpdateCommandName || words[0] == "help";
}

std::string quoted(const std::string& word) {
    std::string text = "'";
    for (char c : word) {
        text += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return text + "'";
}

std::string text_of(const Words& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + quoted(word);
    }
    return text;
}

}  // namespace

std::optional<std::vector<LinePart>> divide_line(const std::string& line) {
    const auto commands = split_command_string(line);
    if (!commands || std::none_of(commands->begin(), commands->end(), is_own)) {
        return std::nullopt;
    }
    std::vector<LinePart> parts;
    for (const Words& words : *commands) {
        const bool own = is_own(words);
        parts.push_back({own, words, own ? "" : text_of(words)});
    }
    return parts;
}

std::optional<Words> words_up_to(const std::string& before, const std::string& typed) {
    // Makes a word of its own behind a blank, and tells that the last command has begun.
    constexpr const char* kPlace = "x";
    const auto commands = split_command_string(before + kPlace);
    if (!commands || commands->empty()) {
        return std::nullopt;
    }
    Words words = commands->back();
    words.back() = typed;
    return words;
}

}  // namespace cpr::tools

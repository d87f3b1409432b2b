// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text_translation.h"

#include <limits>

#include "base/translate.h"

namespace cpr {
namespace {

// The C library's catalogue, which has what errno stands for.
constexpr const char* kSystemCatalogue = "libc";

// An empty text stands for a catalogue's header, and one with a null character is another's.
bool can_be_looked_up(const std::string& text) {
    return !text.empty() && text.find('\0') == std::string::npos;
}

std::string look_up(const std::string& text) {
    if (!can_be_looked_up(text))
        return text;
    std::string ours = translated(text.c_str());
    return ours == text ? dgettext(kSystemCatalogue, text.c_str()) : ours;
}

}  // namespace

std::string translation_of(const Text& text) {
    if (text.is_verbatim())
        return text.english();
    if (text.arguments().empty())
        return look_up(text.english());
    std::vector<std::string> arguments;
    for (const Text& argument : text.arguments())
        arguments.push_back(translation_of(argument));
    constexpr auto kAnyLength = std::numeric_limits<std::size_t>::max();
    const auto& format = text.format();
    const char* known = can_be_looked_up(format) ? translated(format.c_str()) : format.c_str();
    if (auto filled = fill_in(known, arguments, kAnyLength))
        return *filled;
    // A catalogue of another version, or one that is wrong.
    return fill_in(format, arguments, kAnyLength).value_or(text.english());
}

}  // namespace cpr

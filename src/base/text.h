// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_TEXT_H
#define CPR_BASE_TEXT_H

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Marks a text for the catalogues where it is not yet a Text: in a table, or among the members of a
// blocker. The argument of Text(), Error() and errno_error() is marked by being theirs.
#define N_(text) text

namespace cpr {

// A text for people that whoever shows it can translate: its English wording, and what that was
// made of, a format string (by which a catalogue knows it) and the arguments filled in. Arguments
// that are texts themselves keep what they were made of.
class Text {
  public:
    Text() = default;
    // One without arguments: a catalogue knows it by the whole.
    Text(std::string english) : english_(std::move(english)) {}
    Text(std::string_view english) : english_(english) {}
    Text(const char* english) : english_(english) {}

    template <typename... Args>
    Text(fmt::format_string<Args...> format, Args&&... args) requires(sizeof...(Args) > 0)
        : english_(fmt::vformat(format, fmt::make_format_args(args...))),
          format_(fmt::string_view(format).data(), fmt::string_view(format).size()) {
        const std::vector<std::string> fields = fields_of(format_, sizeof...(Args));
        std::size_t at = 0;
        (arguments_.push_back(argument(fields.at(at++), args)), ...);
        drop_parts_unless_whole();
    }

    // A name, a number, or another program's words: never looked up in a catalogue.
    static Text verbatim(std::string text);
    // Several after one another; `separator` has no braces.
    static Text joined(const std::vector<Text>& texts, std::string_view separator);
    // One that another process has sent; nothing unless the arguments make that format `english`.
    static std::optional<Text> from_parts(std::string english, std::string format,
                                          std::vector<Text> arguments);

    const std::string& english() const { return english_; }
    bool empty() const { return english_.empty(); }
    bool is_verbatim() const { return is_verbatim_; }
    // The format string of a text with arguments; the whole of one without.
    const std::string& format() const { return arguments_.empty() ? english_ : format_; }
    const std::vector<Text>& arguments() const { return arguments_; }

    bool operator==(const Text&) const = default;

  private:
    static std::vector<std::string> fields_of(std::string_view format, std::size_t count);

    template <typename T>
    static Text argument(const std::string& field, const T& value) {
        if constexpr (std::is_same_v<T, Text>)
            return value;
        else
            return verbatim(fmt::format(fmt::runtime(field), value));
    }

    void drop_parts_unless_whole();

    std::string english_;
    std::string format_;
    std::vector<Text> arguments_;
    bool is_verbatim_ = false;
};

// `format` with the arguments put in for its replacement fields, whose own specifications have been
// obeyed already. Nothing if a field has no argument, if it is no format string, or if the result
// would be longer than `limit`. What looks like a field in an argument stays as it is.
std::optional<std::string> fill_in(std::string_view format, std::span<const std::string> arguments,
                                   std::size_t limit);

}  // namespace cpr

template <>
struct fmt::formatter<cpr::Text> : fmt::formatter<std::string_view> {
    template <typename Context>
    auto format(const cpr::Text& text, Context& context) const {
        return fmt::formatter<std::string_view>::format(text.english(), context);
    }
};

#endif

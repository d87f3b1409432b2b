// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"

#include <charconv>

namespace cpr {
namespace {

// A replacement field: which argument it takes, and what is between the braces after that.
struct Field {
    std::size_t argument = 0;
    std::string_view specification;
};

// Reads a format string piece by piece, as fmt does.
class FormatReader {
  public:
    explicit FormatReader(std::string_view format) : rest_(format) {}

    bool at_end() const { return rest_.empty(); }
    bool failed() const { return failed_; }

    // What is to be copied up to the next field, or the end; one of two braces is left out.
    std::string_view literal() {
        const std::size_t brace = rest_.find_first_of("{}");
        if (brace == std::string_view::npos)
            return take(rest_.size());
        if (brace + 1 < rest_.size() && rest_[brace + 1] == rest_[brace]) {
            const std::string_view text = take(brace + 1);
            take(1);
            return text;
        }
        if (brace == 0)
            failed_ = rest_[0] == '}';
        return take(brace);
    }

    // The field that the rest begins with.
    std::optional<Field> field() {
        if (failed_ || !rest_.starts_with('{'))
            return std::nullopt;
        const std::size_t end = rest_.find('}');
        const std::string_view inside = rest_.substr(1, end == rest_.npos ? end : end - 1);
        const std::size_t colon = inside.find(':');
        const std::string_view number = inside.substr(0, colon);
        Field field{next_, colon == inside.npos ? std::string_view() : inside.substr(colon)};
        const auto [last, error] =
            std::from_chars(number.data(), number.data() + number.size(), field.argument);
        // One within the specification takes an argument, too: none of ours does.
        failed_ = end == rest_.npos || inside.find('{') != inside.npos ||
                  last != number.data() + number.size() ||
                  (!number.empty() && error != std::errc());
        next_ += number.empty() ? 1 : 0;
        rest_.remove_prefix(failed_ ? rest_.size() : end + 1);
        return failed_ ? std::nullopt : std::optional(field);
    }

  private:
    std::string_view take(std::size_t size) {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    std::size_t next_ = 0;
    bool failed_ = false;
};

std::vector<std::string> english_of(const std::vector<Text>& texts) {
    std::vector<std::string> all;
    for (const Text& text : texts)
        all.push_back(text.english());
    return all;
}

}  // namespace

Text Text::verbatim(std::string text) {
    Text verbatim(std::move(text));
    verbatim.is_verbatim_ = true;
    return verbatim;
}

Text Text::joined(const std::vector<Text>& texts, std::string_view separator) {
    if (texts.size() < 2)
        return texts.empty() ? Text() : texts.front();
    Text all;
    for (const Text& text : texts) {
        all.format_.append(all.format_.empty() ? "" : separator).append("{}");
        all.english_.append(&text == &texts.front() ? "" : separator).append(text.english());
    }
    all.arguments_ = texts;
    return all;
}

std::optional<Text> Text::from_parts(std::string english, std::string format,
                                     std::vector<Text> arguments) {
    Text text(std::move(english));
    text.format_ = std::move(format);
    text.arguments_ = std::move(arguments);
    text.drop_parts_unless_whole();
    return text.arguments_.empty() ? std::nullopt : std::optional(std::move(text));
}

// The field for each argument, as a format string for it alone.
std::vector<std::string> Text::fields_of(std::string_view format, std::size_t count) {
    std::vector<std::string> fields(count, "{}");
    FormatReader reader(format);
    while (!reader.at_end() && !reader.failed()) {
        reader.literal();
        if (const auto field = reader.field(); field && field->argument < count)
            fields[field->argument] = fmt::format("{{{}}}", field->specification);
    }
    return fields;
}

// What is said is never less right for being translatable.
void Text::drop_parts_unless_whole() {
    if (fill_in(format_, english_of(arguments_), english_.size()) == english_)
        return;
    format_.clear();
    arguments_.clear();
}

std::optional<std::string> fill_in(std::string_view format, std::span<const std::string> arguments,
                                   std::size_t limit) {
    std::string text;
    FormatReader reader(format);
    while (!reader.at_end()) {
        text += reader.literal();
        if (const auto field = reader.field()) {
            if (field->argument >= arguments.size())
                return std::nullopt;
            text += arguments[field->argument];
        }
        if (reader.failed() || text.size() > limit)
            return std::nullopt;
    }
    return text;
}

}  // namespace cpr

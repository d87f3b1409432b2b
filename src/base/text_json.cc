// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text_json.h"

#include <nlohmann/json.hpp>

namespace cpr {
namespace {

using nlohmann::json;

constexpr const char* kTemplate = "template";
constexpr const char* kArguments = "arguments";

// Of texts within texts. An error of the VMM's, as the controller passes it on, has four.
constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxParts = 512;
constexpr std::size_t kMaxLength = 1 << 16;

json parts_of(const Text& text, int depth);

json argument_of(const Text& text, int depth) {
    if (text.is_verbatim() || depth >= kMaxDepth)
        return text.english();
    return parts_of(text, depth);
}

json parts_of(const Text& text, int depth) {
    json parts{{kTemplate, text.format()}};
    for (const Text& argument : text.arguments())
        parts[kArguments].push_back(argument_of(argument, depth + 1));
    return parts;
}

// Reads what a peer says a text was made of.
class PartsReader {
  public:
    // Nothing if it is malformed or too much.
    std::optional<Text> read(const json& parts, int depth) {
        if (parts.is_string())
            return Text::verbatim(parts.get<std::string>());
        if (!parts.is_object() || depth > kMaxDepth)
            return std::nullopt;
        const auto format = parts.find(kTemplate);
        if (format == parts.end() || !format->is_string())
            return std::nullopt;
        const auto arguments = parts.find(kArguments);
        if (arguments == parts.end())
            return Text(format->get<std::string>());
        return filled_in(format->get<std::string>(), *arguments, depth);
    }

  private:
    std::optional<Text> filled_in(std::string format, const json& list, int depth) {
        if (!list.is_array() || list.size() > kMaxParts - parts_)
            return std::nullopt;
        parts_ += list.size();
        std::vector<Text> arguments;
        std::vector<std::string> english;
        for (const json& entry : list) {
            auto argument = read(entry, depth + 1);
            if (!argument)
                return std::nullopt;
            english.push_back(argument->english());
            arguments.push_back(std::move(*argument));
        }
        auto whole = fill_in(format, english, kMaxLength);
        if (!whole)
            return std::nullopt;
        return Text::from_parts(std::move(*whole), std::move(format), std::move(arguments));
    }

    std::size_t parts_ = 0;
};

}  // namespace

std::string parts_name(const std::string& name) {
    return name + "-parts";
}

void put_text(json& object, const std::string& name, const Text& text) {
    object[name] = text.english();
    if (!text.arguments().empty())
        object[parts_name(name)] = parts_of(text, 0);
}

Text text_in(const json& object, const std::string& name) {
    const auto english = object.is_object() ? object.find(name) : object.end();
    if (english == object.end() || !english->is_string())
        return {};
    Text plain(english->get<std::string>());
    const auto parts = object.find(parts_name(name));
    if (parts == object.end() || !parts->is_object())
        return plain;
    auto text = PartsReader().read(*parts, 0);
    return text && text->english() == plain.english() ? std::move(*text) : plain;
}

}  // namespace cpr

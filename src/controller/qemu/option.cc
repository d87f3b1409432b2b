// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/option.h"

#include <utility>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

constexpr size_t kMostDescribed = 200;

Object parse_object(const std::string& written, const std::string& text) {
    Object object = Object::parse(text, nullptr, false);
    if (object.is_object())
        return object;
    throw Error(ErrorCode::kUnsupported, "{} {}: the argument begins like JSON and is none",
                written, text.substr(0, kMostDescribed));
}

const OptionKind& kind_of(std::string_view name) {
    if (const OptionKind* kind = find_option(name))
        return *kind;
    throw Error(ErrorCode::kInternal, "there is no option {}", name);
}

// The same in compact JSON. A byte that is no UTF-8 cannot have come out of a parser.
std::string write_object(const Object& object) {
    return object.dump(-1, ' ', false, Object::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> scalar_text(const Object& value) {
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_boolean())
        return value.get<bool>() ? "on" : "off";
    if (value.is_number())
        return value.dump();
    return std::nullopt;
}

Object to_object(const nlohmann::json& value) {
    return Object(value);
}

Option::Option(std::string written, const OptionKind& kind, std::string argument)
    : written_(std::move(written)), kind_(&kind), argument_(std::move(argument)) {
    if (kind.form == ArgumentForm::kPairsOrJson && argument_.starts_with('{'))
        content_ = parse_object(written_, argument_);
    else if (kind.form == ArgumentForm::kPairs || kind.form == ArgumentForm::kPairsOrJson)
        content_ = KeyValues(argument_, kind.implied_key);
}

Option Option::make(std::string_view name) {
    return {fmt::format("-{}", name), kind_of(name), {}};
}

Option Option::make(std::string_view name, std::string_view argument) {
    return {fmt::format("-{}", name), kind_of(name), std::string(argument)};
}

Option Option::make_json(std::string_view name, const Object& object) {
    return make(name, write_object(object));
}

std::string Option::argument() const {
    if (!changed_)
        return argument_;
    if (const Object* object = std::get_if<Object>(&content_))
        return write_object(*object);
    return std::get<KeyValues>(content_).text();
}

std::optional<std::string> Option::get(std::string_view key) const {
    if (const auto* pairs = std::get_if<KeyValues>(&content_))
        return pairs->get(key);
    const Object* object = std::get_if<Object>(&content_);
    if (!object)
        return std::nullopt;
    const auto found = object->find(std::string(key));
    return found == object->end() ? std::nullopt : scalar_text(*found);
}

std::string Option::value(std::string_view key) const {
    return get(key).value_or(std::string());
}

// The words that QEMU takes for true.
bool Option::is_on(std::string_view key) const {
    const std::string text = value(key);
    return text == "on" || text == "yes" || text == "true" || text == "y";
}

std::vector<std::string> Option::values(std::string_view key) const {
    if (const auto* pairs = std::get_if<KeyValues>(&content_))
        return pairs->values(key);
    const auto one = get(key);
    return one ? std::vector{*one} : std::vector<std::string>();
}

std::vector<std::string> Option::keys() const {
    if (const auto* pairs = std::get_if<KeyValues>(&content_))
        return pairs->keys();
    std::vector<std::string> keys;
    if (const Object* object = std::get_if<Object>(&content_))
        for (const auto& [key, value] : object->items())
            keys.push_back(key);
    return keys;
}

void Option::set(std::string_view key, const Object& value) {
    if (Object* object = std::get_if<Object>(&content_)) {
        Object& member = (*object)[std::string(key)];
        if (member == value && !value.is_null())
            return;
        member = value;
        changed_ = true;
        return;
    }
    auto* pairs = std::get_if<KeyValues>(&content_);
    const auto text = scalar_text(value);
    if (!pairs || !text)
        throw Error(ErrorCode::kUnsupported, "{}: its property '{}' cannot be set", describe(),
                    key);
    pairs->set(key, *text);
    touch();
}

void Option::erase(std::string_view key) {
    if (auto* pairs = std::get_if<KeyValues>(&content_)) {
        pairs->erase(key);
        touch();
    } else if (Object* object = std::get_if<Object>(&content_)) {
        changed_ = object->erase(std::string(key)) > 0 || changed_;
    }
}

void Option::replace(Object object) {
    if (const Object* now = std::get_if<Object>(&content_); now && *now == object)
        return;
    content_ = std::move(object);
    changed_ = true;
}

void Option::touch() {
    changed_ = changed_ || std::get<KeyValues>(content_).text() != argument_;
}

std::string Option::id() const {
    if (name() == "blockdev")
        return value("node-name");
    return value("id");
}

std::string Option::describe() const {
    return has_argument() ? written_ + ' ' + argument().substr(0, kMostDescribed) : written_;
}

void Option::write_to(std::vector<std::string>& arguments) const {
    arguments.push_back(written_);
    if (has_argument())
        arguments.push_back(argument());
}

}  // namespace cpr::controller::qemu

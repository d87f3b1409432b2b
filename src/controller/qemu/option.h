// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_OPTION_H
#define CPR_CONTROLLER_QEMU_OPTION_H

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/qemu/key_values.h"
#include "controller/qemu/option_table.h"

namespace cpr::controller::qemu {

// JSON whose members stay in the order in which they came.
using Object = nlohmann::ordered_json;

// One option of a command line, with its argument. What is not changed is written back byte for
// byte; what is changed keeps its form, pairs or JSON.
class Option {
  public:
    // As it stands on the command line: "-device" or "--device". `argument` belongs to it if the
    // table says so. Throws Error kUnsupported for an argument that cannot be read.
    Option(std::string written, const OptionKind& kind, std::string argument);

    // A new one.
    static Option make(std::string_view name);
    static Option make(std::string_view name, std::string_view argument);
    static Option make_json(std::string_view name, const Object& object);

    // Without dashes, and "machine" for -M.
    std::string_view name() const { return kind_->canonical(); }
    bool has_argument() const { return kind_->form != ArgumentForm::kNone; }
    // As it is written.
    std::string argument() const;
    bool is_json() const { return std::holds_alternative<Object>(content_); }

    // A property as text: "on" or "off" for a boolean, digits for a number; nothing if it is not
    // there, or is no single value.
    std::optional<std::string> get(std::string_view key) const;
    // get(), or empty.
    std::string value(std::string_view key) const;
    bool is_on(std::string_view key) const;
    // All values of a key that may come more than once in pairs.
    std::vector<std::string> values(std::string_view key) const;
    // The names of its properties, in order.
    std::vector<std::string> keys() const;
    // A string, a number or a boolean. Does nothing if the option says so already. Throws Error
    // kUnsupported for an option whose argument is plain text.
    void set(std::string_view key, const Object& value);
    void erase(std::string_view key);
    // What JSON has; nullptr in pairs.
    const Object* object() const { return std::get_if<Object>(&content_); }
    void replace(Object object);

    // "id", or "node-name" for a block device; empty if it has none.
    std::string id() const;
    // "-device {...}", for messages.
    std::string describe() const;

    void write_to(std::vector<std::string>& arguments) const;

  private:
    struct Text {};

    void touch();

    std::string written_;
    const OptionKind* kind_;
    std::string argument_;
    std::variant<Text, KeyValues, Object> content_;
    bool changed_ = false;
};

// A JSON value as pairs have it; nothing for what is no single value.
std::optional<std::string> scalar_text(const Object& value);

// JSON that keeps no order, as messages have it, in an order of its own.
Object to_object(const nlohmann::json& value);

}  // namespace cpr::controller::qemu

#endif

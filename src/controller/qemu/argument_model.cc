// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/argument_model.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace cpr::controller::qemu {
namespace {

// QEMU takes options with two dashes as those with one.
std::string_view without_dashes(std::string_view written) {
    if (!written.starts_with('-'))
        throw Error(ErrorCode::kUnsupported, "the argument '{}' is no option of QEMU's", written);
    written.remove_prefix(written.starts_with("--") ? 2 : 1);
    return written;
}

const OptionKind& look_up(const std::string& written) {
    if (const OptionKind* kind = find_option(without_dashes(written)))
        return *kind;
    throw Error(ErrorCode::kUnsupported, "the option '{}' of QEMU's is not known", written);
}

}  // namespace

ArgumentModel ArgumentModel::parse(const std::vector<std::string>& argv) {
    if (argv.empty())
        throw Error(ErrorCode::kInvalidArgument, "the command line is empty");
    ArgumentModel model;
    model.program_ = argv[0];
    for (size_t i = 1; i < argv.size(); ++i) {
        const std::string& written = argv[i];
        const OptionKind& kind = look_up(written);
        std::string argument;
        if (kind.form != ArgumentForm::kNone) {
            if (++i == argv.size())
                throw Error(ErrorCode::kUnsupported, "the option '{}' has no argument", written);
            argument = argv[i];
        }
        model.options_.emplace_back(written, kind, std::move(argument));
    }
    return model;
}

std::vector<std::string> ArgumentModel::write() const {
    std::vector<std::string> arguments{program_};
    for (const Option& option : options_)
        option.write_to(arguments);
    return arguments;
}

std::vector<Option*> ArgumentModel::all(std::string_view name) {
    std::vector<Option*> found;
    for (Option& option : options_)
        if (option.name() == name)
            found.push_back(&option);
    return found;
}

std::vector<const Option*> ArgumentModel::all(std::string_view name) const {
    std::vector<const Option*> found;
    for (const Option& option : options_)
        if (option.name() == name)
            found.push_back(&option);
    return found;
}

bool ArgumentModel::has(std::string_view name) const {
    return std::ranges::any_of(options_,
                               [&](const Option& option) { return option.name() == name; });
}

const Option* ArgumentModel::find(std::string_view name, std::string_view id) const {
    const auto found = std::ranges::find_if(options_, [&](const Option& option) {
        return !id.empty() && option.name() == name && option.id() == id;
    });
    return found == options_.end() ? nullptr : &*found;
}

Option* ArgumentModel::find(std::string_view name, std::string_view id) {
    return const_cast<Option*>(std::as_const(*this).find(name, id));
}

std::vector<Option*> ArgumentModel::objects_of(std::string_view type) {
    std::vector<Option*> found = all("object");
    std::erase_if(found, [&](const Option* option) { return option->value("qom-type") != type; });
    return found;
}

std::string ArgumentModel::machine_property(std::string_view key) const {
    std::string value;
    for (const Option* option : all("machine"))
        value = option->get(key).value_or(value);
    return value;
}

void ArgumentModel::set_machine_property(std::string_view key, const Object& value) {
    const std::vector<Option*> machines = all("machine");
    const auto set = std::find_if(machines.rbegin(), machines.rend(),
                                  [&](const Option* option) { return option->get(key); });
    if (set != machines.rend())
        (*set)->set(key, value);
    else if (!machines.empty())
        machines.back()->set(key, value);
    else
        append(Option::make(
            "machine", fmt::format("{}={}", key, escape_commas(scalar_text(value).value_or("")))));
}

Option& ArgumentModel::append(Option option) {
    return options_.emplace_back(std::move(option));
}

std::list<Option>::iterator ArgumentModel::place_of(const Option& option) {
    return std::ranges::find_if(options_, [&](const Option& other) { return &other == &option; });
}

Option& ArgumentModel::insert_before(const Option& place, Option option) {
    return *options_.insert(place_of(place), std::move(option));
}

void ArgumentModel::move_behind(const Option& option, const Option& place) {
    options_.splice(std::next(place_of(place)), options_, place_of(option));
}

void ArgumentModel::erase(const Option& option) {
    options_.erase(place_of(option));
}

size_t ArgumentModel::erase(std::string_view name, std::string_view id) {
    return erase_if([&](const Option& option) {
        return !id.empty() && option.name() == name && option.id() == id;
    });
}

size_t ArgumentModel::erase_if(const std::function<bool(const Option&)>& condition) {
    return options_.remove_if(condition);
}

}  // namespace cpr::controller::qemu

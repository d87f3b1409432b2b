// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/descriptors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace cpr::controller::qemu {
namespace {

// Properties that are descriptors' names, or several of them with colons between.
constexpr std::array<std::string_view, 4> kDescriptorKeys{"fd", "fds", "vhostfd", "vhostfds"};

constexpr std::string_view kSetFolder = "/dev/fdset/";

std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    while (true) {
        const size_t end = text.find(':');
        names.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return names;
        text.remove_prefix(end + 1);
    }
}

// -1 for what is none.
int to_number(const std::string& text) {
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

bool belongs_to_set(const Option& option, int64_t set) {
    return option.name() == "add-fd" && option.value("set") == std::to_string(set);
}

}  // namespace

std::vector<Serial> Descriptors::arrive(size_t count) {
    std::vector<Serial> serials;
    for (size_t i = 0; i < count; ++i)
        serials.push_back(++last_);
    return serials;
}

void Descriptors::name(const std::string& name, Serial serial) {
    names_.insert_or_assign(name, serial);
}

void Descriptors::add_to_set(ArgumentModel& line, int64_t set, int64_t number,
                             const std::string& opaque, Serial serial) {
    sets_.insert_or_assign({set, number}, serial);
    std::string text = fmt::format("set={},fd={}", set, number);
    if (!opaque.empty())
        text += ",opaque=" + escape_commas(opaque);
    line.append(Option::make("add-fd", text));
}

// QEMU numbers anew what it was started with, so of those a number says nothing.
bool Descriptors::remove_from_set(ArgumentModel& line, int64_t set, std::optional<int64_t> number) {
    if (!number) {
        line.erase_if([&](const Option& option) { return belongs_to_set(option, set); });
        std::erase_if(sets_, [&](const auto& entry) { return entry.first.first == set; });
        return true;
    }
    const auto added = sets_.find({set, *number});
    std::vector<const Option*> of_set = std::as_const(line).all("add-fd");
    std::erase_if(of_set, [&](const Option* option) { return !belongs_to_set(*option, set); });
    if (added == sets_.end()) {
        if (of_set.size() != 1)
            return false;
        line.erase(*of_set.front());
        return true;
    }
    const auto option = std::ranges::find_if(of_set, [&](const Option* candidate) {
        return candidate->value("fd") == std::to_string(*number);
    });
    if (option != of_set.end())
        line.erase(**option);
    sets_.erase(added);
    return true;
}

std::optional<std::string> Descriptors::take_key(const Option& option, const std::string& key) {
    Use use{std::string(option.name()), option.id(), key, {}};
    for (const std::string& name : split_names(option.value(key))) {
        const auto found = names_.find(name);
        if (found == names_.end())
            return name;
        use.serials.push_back(found->second);
        names_.erase(found);
    }
    uses_.push_back(std::move(use));
    return std::nullopt;
}

std::optional<std::string> Descriptors::take(const Option& option) {
    for (const std::string_view key : kDescriptorKeys)
        if (option.get(key))
            if (auto unknown = take_key(option, std::string(key)))
                return unknown;
    return std::nullopt;
}

void Descriptors::release(std::string_view option, const std::string& id) {
    std::erase_if(uses_, [&](const Use& use) { return use.option == option && use.id == id; });
}

std::set<Serial> Descriptors::live() const {
    std::set<Serial> live;
    for (const auto& [name, serial] : names_)
        live.insert(serial);
    for (const auto& [place, serial] : sets_)
        live.insert(serial);
    for (const Use& use : uses_)
        live.insert(use.serials.begin(), use.serials.end());
    return live;
}

void Descriptors::write_numbers(ArgumentModel& line,
                                const std::function<int(Serial)>& number_of) const {
    // Those of the start have the numbers that they had: only what came later is looked up, from
    // the end, where it was added.
    std::vector<Option*> options = line.all("add-fd");
    for (const auto& [place, serial] : sets_) {
        const auto option = std::find_if(
            options.rbegin(), options.rend(), [&place = place](const Option* candidate) {
                return candidate && belongs_to_set(*candidate, place.first) &&
                       candidate->value("fd") == std::to_string(place.second);
            });
        if (option == options.rend())
            continue;
        (*option)->set("fd", number_of(serial));
        *option = nullptr;
    }
    for (const Use& use : uses_) {
        Option* option = line.find(use.option, use.id);
        if (!option)
            continue;
        std::string numbers;
        for (const Serial serial : use.serials)
            numbers += (numbers.empty() ? "" : ":") + std::to_string(number_of(serial));
        option->set(use.key, numbers);
    }
}

void renumber(ArgumentModel& line, const std::map<int, int>& numbers) {
    for (const char* name : {"add-fd", "chardev", "device", "netdev", "object"})
        for (Option* option : line.all(name))
            for (const std::string_view key : kDescriptorKeys) {
                std::string text;
                for (const std::string& part : split_names(option->value(key))) {
                    const auto found = numbers.find(to_number(part));
                    text += text.empty() ? "" : ":";
                    text += found == numbers.end() ? part : std::to_string(found->second);
                }
                if (text != option->value(key))
                    option->set(key, text);
            }
}

std::vector<int> numbers_of(const Option& option) {
    std::vector<int> numbers;
    for (const std::string_view key : kDescriptorKeys)
        for (const std::string& part : split_names(option.value(key)))
            if (const int number = to_number(part); number >= 0)
                numbers.push_back(number);
    return numbers;
}

std::vector<std::string> missing_sets(const ArgumentModel& line) {
    std::set<std::string> there;
    for (const Option* option : line.all("add-fd"))
        there.insert(option->value("set"));
    std::vector<std::string> missing;
    for (const char* name : {"blockdev", "chardev", "device", "drive", "netdev", "object"})
        for (const Option* option : line.all(name))
            for (const std::string& key : option->keys()) {
                const std::string value = option->value(key);
                if (value.starts_with(kSetFolder) &&
                    !there.contains(value.substr(kSetFolder.size())))
                    missing.push_back(value);
            }
    return missing;
}

}  // namespace cpr::controller::qemu

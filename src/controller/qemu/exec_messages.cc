// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/exec_messages.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_number.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// No process has more (fs.nr_open, by default).
constexpr uint32_t kHighest = 1 << 20;
// The program and the command line.
constexpr size_t kRunDescriptors = 2;

Error invalid(const Text& what) {
    return Error(ErrorCode::kInvalidArgument, "the message on descriptors has {}", what);
}

int read_number(const json& value) {
    const auto number = integer_in<uint32_t>(value);
    // The first three are nobody's to give.
    if (!number || *number < 3 || *number >= kHighest)
        throw invalid(N_("a number that is none"));
    return static_cast<int>(*number);
}

std::vector<int> read_numbers(const json& message, const char* key) {
    const auto found = message.find(key);
    if (found == message.end())
        return {};
    if (!found->is_array())
        throw invalid(N_("no list where one is expected"));
    std::vector<int> numbers;
    for (const json& value : *found)
        numbers.push_back(read_number(value));
    return numbers;
}

void refuse_doubles(const ExecMessage& message) {
    std::set<int> seen;
    for (const auto* list : {&message.numbers, &message.keep})
        for (const int number : *list)
            if (!seen.insert(number).second)
                throw invalid(N_("a number twice"));
}

}  // namespace

std::string to_text(const ExecMessage& message) {
    json text = json::object();
    if (!message.numbers.empty())
        text["numbers"] = message.numbers;
    if (message.table >= 0)
        text["table"] = message.table;
    if (message.run) {
        text["run"] = true;
        text["keep"] = message.keep;
    }
    if (!message.error.empty())
        text["error"] = message.error;
    return text.dump(-1, ' ', true, json::error_handler_t::replace);
}

ExecMessage parse_exec_message(const std::string& text, size_t descriptors) {
    const json read = json::parse(text, nullptr, false);
    if (!read.is_object())
        throw invalid(N_("no object"));
    ExecMessage message;
    message.numbers = read_numbers(read, "numbers");
    if (read.contains("table"))
        message.table = read_number(read["table"]);
    message.run = read.contains("run") && read["run"] == true;
    if (message.run)
        message.keep = read_numbers(read, "keep");
    if (read.contains("error") && read["error"].is_string())
        message.error = read["error"].get<std::string>();
    refuse_doubles(message);
    if (message.numbers.size() + (message.run ? kRunDescriptors : 0) != descriptors)
        throw invalid(N_("another count of numbers than of descriptors"));
    return message;
}

int parse_descriptor(const std::string& text) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw invalid(N_("a number that is none"));
    return read_number(number);
}

}  // namespace cpr::controller::qemu

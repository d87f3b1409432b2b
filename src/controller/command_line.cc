// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/command_line.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace cpr::controller {
namespace {

using Pair = std::pair<std::string, std::string>;

// "socket,id=a,path=x,,y" gives {"", "socket"}, {"id", "a"}, {"path", "x,y"}.
std::vector<Pair> split_options(std::string_view text) {
    std::vector<std::string> parts(1);
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',') {
            parts.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            parts.back() += text[i++];
        } else {
            parts.emplace_back();
        }
    }
    std::vector<Pair> pairs;
    for (const std::string& part : parts) {
        const size_t equals = part.find('=');
        if (equals == std::string::npos)
            pairs.emplace_back("", part);
        else
            pairs.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    }
    return pairs;
}

std::string value_of(const std::vector<Pair>& pairs, std::string_view key) {
    for (const auto& [name, value] : pairs)
        if (name == key)
            return value;
    return {};
}

bool is_option(const std::string& argument, std::string_view name) {
    const std::string_view text(argument);
    return text.starts_with("--") ? text.substr(2) == name
                                  : text.starts_with("-") && text.substr(1) == name;
}

int parse_fd(const std::string& text, const std::string& argument) {
    int fd = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
    if (error != std::errc() || end != text.data() + text.size() || fd < 3)
        throw Error(ErrorCode::kInvalidArgument,
                    "-chardev {}: the monitor has to be a socket that libvirt passes as fd=NUMBER; "
                    "a libvirt of 9.0 or later does so",
                    argument);
    return fd;
}

}  // namespace

CommandLine::CommandLine(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    for (size_t i = 1; i + 1 < arguments_.size(); ++i) {
        if (!is_option(arguments_[i], "chardev"))
            continue;
        const std::string& argument = arguments_[++i];
        const auto options = split_options(argument);
        const bool json = argument.starts_with("{");
        if (json ? argument.find("\"charmonitor\"") == std::string::npos
                 : value_of(options, "id") != "charmonitor")
            continue;
        if (json || options[0] != Pair{"", "socket"})
            throw Error(ErrorCode::kInvalidArgument,
                        "-chardev {}: the monitor is not of the form "
                        "socket,id=charmonitor,fd=NUMBER",
                        argument);
        if (monitor_fd_)
            throw Error(ErrorCode::kInvalidArgument, "there are two character devices charmonitor");
        monitor_fd_ = parse_fd(value_of(options, "fd"), argument);
        monitor_index_ = i;
    }
}

std::string CommandLine::guest_name() const {
    for (size_t i = 1; i + 1 < arguments_.size(); ++i) {
        if (!is_option(arguments_[i], "name"))
            continue;
        const auto options = split_options(arguments_[i + 1]);
        const std::string guest = value_of(options, "guest");
        return guest.empty() ? value_of(options, "") : guest;
    }
    return {};
}

std::vector<std::string> CommandLine::for_vmm(const std::string& program, int fd) const {
    std::vector<std::string> result = arguments_;
    result.at(0) = program;
    result.at(monitor_index_) = fmt::format("socket,id=charmonitor,fd={}", fd);
    return result;
}

std::string join_arguments(const std::vector<std::string>& arguments) {
    std::string text;
    for (const std::string& argument : arguments)
        text.append(argument).push_back('\0');
    return text;
}

std::vector<std::string> split_arguments(const std::string& text) {
    std::vector<std::string> arguments;
    for (size_t start = 0; start < text.size();) {
        const size_t end = text.find('\0', start);
        if (end == std::string::npos)
            throw Error(ErrorCode::kInvalidArgument, "the list of arguments is cut off");
        arguments.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return arguments;
}

}  // namespace cpr::controller

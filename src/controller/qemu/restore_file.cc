// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/restore_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

// Other than libvirt's, which begin at 0, and recognised by use_restore_file().
constexpr int kFirstSet = 1000000;
constexpr const char* kOpaque = "libvirt-cpr-restore";

bool is_file(int fd) {
    struct stat info {};
    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// What the command line itself names by number has another use.
std::set<std::string> named_numbers(const ArgumentModel& model) {
    std::set<std::string> numbers;
    for (const Option* option : model.all("add-fd"))
        numbers.insert(option->value("fd"));
    return numbers;
}

}  // namespace

void offer_restore_files(ArgumentModel& model, const std::vector<int>& inherited) {
    if (!model.has("incoming"))
        return;
    const std::set<std::string> named = named_numbers(model);
    int set = kFirstSet;
    for (const int fd : inherited)
        if (is_file(fd) && !named.contains(std::to_string(fd)))
            model.append(
                Option::make("add-fd", fmt::format("fd={},set={},opaque={}", fd, set++, kOpaque)));
}

void use_restore_file(json& command, const ArgumentModel& model) {
    const auto arguments = command.find("arguments");
    if (command.value("execute", json()) != "migrate-incoming" || arguments == command.end() ||
        !arguments->is_object() || !arguments->value("uri", json()).is_string())
        return;
    const auto uri = arguments->at("uri").get<std::string>();
    for (const Option* option : model.all("add-fd")) {
        const std::string fd = option->value("fd");
        if (option->value("opaque") != kOpaque || uri != "fd:" + fd)
            continue;
        const off_t offset = lseek(std::stoi(fd), 0, SEEK_CUR);
        (*arguments)["uri"] = fmt::format("file:/dev/fdset/{},offset={}", option->value("set"),
                                          std::max(offset, off_t{0}));
    }
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/vhost.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace cpr::controller::qemu {
namespace {

// One, or several of a network with several queues: "35:36".
constexpr std::array kKeys{"vhostfd", "vhostfds"};

size_t count_of(const std::string& numbers) {
    return static_cast<size_t>(std::ranges::count(numbers, ':')) + 1;
}

}  // namespace

bool has_passed_vhost(const ArgumentModel& line) {
    return std::ranges::any_of(line.all("netdev"), [](const Option* netdev) {
        return netdev->get("vhostfd") || netdev->get("vhostfds");
    });
}

std::optional<Text> vhost_problem(const std::string& device) {
    const UniqueFd fd(open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (fd)
        return std::nullopt;
    return Text("cannot open '{}': {}", device, errno_text(errno));
}

std::vector<UniqueFd> reopen_vhost(ArgumentModel& line, const std::string& device) {
    std::vector<UniqueFd> opened;
    for (Option* netdev : line.all("netdev"))
        for (const char* key : kKeys) {
            if (!netdev->get(key))
                continue;
            std::string numbers;
            for (size_t i = count_of(netdev->value(key)); i > 0; --i) {
                opened.push_back(open_file(device, O_RDWR));
                numbers += fmt::format("{}{}", numbers.empty() ? "" : ":", opened.back().get());
            }
            netdev->set(key, numbers);
        }
    return opened;
}

}  // namespace cpr::controller::qemu

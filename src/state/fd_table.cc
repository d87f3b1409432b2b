// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/fd_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_number.h"

namespace cpr::state {
namespace {

std::string link_of(int fd) {
    std::array<char, 256> target{};
    const ssize_t size =
        readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
    if (size < 0)
        throw errno_error("look up descriptor {}", fd);
    return {target.data(), static_cast<size_t>(size)};
}

nlohmann::json parse(std::span<const uint8_t> table) {
    if (table.size() > kMaxFdTable)
        throw Error(ErrorCode::kCorruptState, "the descriptor table has {} bytes", table.size());
    nlohmann::json entries = nlohmann::json::parse(table.begin(), table.end(), nullptr, false);
    if (!entries.is_array())
        throw Error(ErrorCode::kCorruptState, "the descriptor table is no JSON array");
    return entries;
}

template <std::integral T>
T number(const nlohmann::json& entry, const char* key) {
    const auto value = integer_in<T>(entry.at(key));
    if (!value)
        throw Error(ErrorCode::kCorruptState, "the descriptor table: '{}' has an impossible value",
                    key);
    return *value;
}

}  // namespace

std::string fd_kind(int fd) {
    struct stat info {};
    if (fstat(fd, &info) < 0)
        throw errno_error("stat descriptor {}", fd);
    switch (info.st_mode & S_IFMT) {
        case S_IFREG:
            return link_of(fd).starts_with("/memfd:") ? "memfd" : "file";
        case S_IFSOCK:
            return "socket";
        case S_IFIFO:
            return "pipe";
        case S_IFDIR:
            return "dir";
        case S_IFBLK:
            return fmt::format("block {}:{}", major(info.st_rdev), minor(info.st_rdev));
        case S_IFCHR:
            return fmt::format("char {}:{}", major(info.st_rdev), minor(info.st_rdev));
        default: {
            const std::string link = link_of(fd);
            return link.substr(link.find(':') + 1);
        }
    }
}

void OutgoingFds::add(std::string_view name, uint32_t index, int fd) {
    for (const Entry& entry : entries_)
        if (entry.name == name && entry.index == index)
            throw Error(ErrorCode::kInternal, "two descriptors are named {}/{}", name, index);
    entries_.push_back({std::string(name), index, fd, fd_kind(fd)});
}

std::vector<uint8_t> OutgoingFds::serialize() const {
    nlohmann::json table = nlohmann::json::array();
    for (const Entry& entry : entries_)
        table.push_back(
            {{"name", entry.name}, {"index", entry.index}, {"fd", entry.fd}, {"kind", entry.kind}});
    const std::string text = table.dump();
    return {text.begin(), text.end()};
}

nlohmann::json OutgoingFds::share(size_t first, size_t count,
                                  std::vector<UniqueFd>& duplicates) const {
    nlohmann::json part = nlohmann::json::array();
    for (size_t i = first; i < entries_.size() && part.size() < count; ++i) {
        const Entry& entry = entries_[i];
        part.push_back({{"name", entry.name}, {"index", entry.index}, {"kind", entry.kind}});
        duplicates.push_back(dup_fd(entry.fd));
    }
    return part;
}

void OutgoingFds::set_inheritable(bool on) const {
    for (size_t i = 0; i < entries_.size(); ++i) {
        try {
            set_cloexec(entries_[i].fd, !on);
        } catch (const Error&) {
            if (!on)
                continue;
            for (size_t k = 0; k < i; ++k)
                set_cloexec(entries_[k].fd, true);
            throw;
        }
    }
}

IncomingFds::IncomingFds(std::span<const uint8_t> table) {
    read(table, false);
}

IncomingFds IncomingFds::names_of(std::span<const uint8_t> table) {
    IncomingFds fds;
    fds.read(table, true);
    return fds;
}

void IncomingFds::check(int fd, const std::string& kind, const Text& label) const {
    if (fd < 3 || fcntl(fd, F_GETFD) < 0)
        throw Error(ErrorCode::kCorruptState, "{} is not open", label);
    for (const auto& [key, other] : fds_)
        if (other.fd.get() == fd)
            throw Error(ErrorCode::kCorruptState, "{} is named twice", label);
    set_cloexec(fd, true);
    if (const std::string now = fd_kind(fd); now != kind)
        throw Error(ErrorCode::kCorruptState, "{} is a {}, not a {}", label, now, kind);
}

void IncomingFds::read(std::span<const uint8_t> table, bool names_only) {
    const nlohmann::json entries = parse(table);
    try {
        for (const auto& entry : entries) {
            const int fd = number<int>(entry, "fd");
            const auto name = entry.at("name").get<std::string>();
            const auto index = number<uint32_t>(entry, "index");
            const auto label = Text("descriptor {} ({}/{})", fd, name, index);
            const auto kind = entry.at("kind").get<std::string>();
            if (!names_only)
                check(fd, kind, label);
            if (fds_.contains({name, index}))
                throw Error(ErrorCode::kCorruptState, "{}: that name is taken", label);
            fds_.emplace(std::pair{name, index}, Entry{UniqueFd(names_only ? -1 : fd)});
        }
    } catch (const nlohmann::json::exception& error) {
        throw Error(ErrorCode::kCorruptState, "the descriptor table: {}", error.what());
    }
}

bool IncomingFds::has(std::string_view name, uint32_t index) const {
    const auto found = fds_.find({std::string(name), index});
    return found != fds_.end() && !found->second.taken;
}

UniqueFd IncomingFds::take(std::string_view name, uint32_t index) {
    if (!has(name, index))
        throw Error(ErrorCode::kCorruptState, "the descriptor {}/{} was not carried over", name,
                    index);
    Entry& entry = fds_.at({std::string(name), index});
    entry.taken = true;
    return entry.fd ? entry.fd.dup() : UniqueFd();
}

std::vector<std::string> IncomingFds::leftovers() const {
    std::vector<std::string> names;
    for (const auto& [key, entry] : fds_)
        if (!entry.taken)
            names.push_back(fmt::format("{}/{}", key.first, key.second));
    return names;
}

void IncomingFds::reset() {
    for (auto& [key, entry] : fds_)
        entry.taken = false;
}

void IncomingFds::keep(OutgoingFds& fds) const {
    for (const auto& [key, entry] : fds_)
        fds.add(key.first, key.second, entry.fd.get());
}

}  // namespace cpr::state

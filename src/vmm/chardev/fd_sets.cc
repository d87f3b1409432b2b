// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/chardev/fd_sets.h"

#include <fcntl.h>

#include <algorithm>

namespace cpr::vmm {
namespace {

constexpr std::string_view kMemberName = "fd-set-member";
std::string named_key(const std::string& name) {
    return "named-fd-" + name;
}

}  // namespace

void FdSets::take(const std::vector<PassedFd>& passed) {
    for (const PassedFd& entry : passed) {
        if (fcntl(entry.fd, F_GETFD) < 0)
            throw Error(ErrorCode::kInvalidArgument, "-add-fd: descriptor {} is not open",
                        entry.fd);
        set_cloexec(entry.fd, true);
        sets_[entry.set].push_back({UniqueFd(entry.fd), entry.opaque});
    }
}

void FdSets::restore(Restored& restored) {
    const auto state = restored.state.take<State>(kSection);
    uint32_t index = 0;
    for (const State::Entry& entry : state.members)
        sets_[static_cast<int>(entry.set)].push_back(
            {restored.fds.take(kMemberName, index++), entry.opaque});
    // What was closed or used up after the save, like the new binary itself, did not come.
    for (const std::string& name : state.names)
        if (restored.fds.has(named_key(name)))
            named_[name] = restored.fds.take(named_key(name));
}

void FdSets::save(state::StreamWriter& writer) const {
    State state;
    for (const auto& [set, members] : sets_)
        for (const Member& member : members)
            state.members.push_back({static_cast<uint32_t>(set), member.opaque});
    for (const auto& [name, fd] : named_)
        state.names.push_back(name);
    writer.add(kSection, state);
}

void FdSets::keep(state::OutgoingFds& fds) const {
    uint32_t index = 0;
    for (const auto& [set, members] : sets_)
        for (const Member& member : members)
            fds.add(kMemberName, index++, member.fd.get());
    for (const auto& [name, fd] : named_)
        fds.add(named_key(name), 0, fd.get());
}

UniqueFd FdSets::open_for_writing(int set) const {
    const auto found = sets_.find(set);
    if (found != sets_.end())
        for (const Member& member : found->second) {
            const int mode = fcntl(member.fd.get(), F_GETFL) & O_ACCMODE;
            if (mode == O_WRONLY || mode == O_RDWR)
                return member.fd.dup();
        }
    throw Error(ErrorCode::kInvalidArgument,
                "descriptor set {} has no descriptor that can be written", set);
}

int FdSets::add(int set, UniqueFd fd, std::string opaque) {
    if (set < 0) {
        set = 0;
        while (sets_.contains(set))
            ++set;
    }
    sets_[set].push_back({std::move(fd), std::move(opaque)});
    return set;
}

void FdSets::remove(int set, int fd) {
    const auto found = sets_.find(set);
    if (found == sets_.end())
        throw Error(ErrorCode::kInvalidArgument, "there is no descriptor set {}", set);
    const auto matches = [fd](const Member& member) { return fd < 0 || member.fd.get() == fd; };
    if (std::erase_if(found->second, matches) == 0)
        throw Error(ErrorCode::kInvalidArgument, "descriptor set {} has no descriptor {}", set, fd);
    if (found->second.empty())
        sets_.erase(found);
}

void FdSets::add_named(const std::string& name, UniqueFd fd) {
    named_[name] = std::move(fd);
}

UniqueFd FdSets::take_named(const std::string& name) {
    const auto found = named_.find(name);
    if (found == named_.end())
        return {};
    UniqueFd fd = std::move(found->second);
    named_.erase(found);
    return fd;
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/keeper.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/io.h"
#include "state/fd_table.h"

namespace cpr::controller {
namespace {

// The private monitor's end in the VMM. To keep it would hide the end of the VMM from us.
const std::string kMonitorName = std::string(state::kMonitorFdPrefix) + "charmonitor";

}  // namespace

void Keeper::add(const nlohmann::json& entries, std::vector<UniqueFd> fds) {
    if (!entries.is_array() || entries.size() != fds.size())
        throw Error(ErrorCode::kInternal, "the VMM lists {} descriptors and sends {}",
                    entries.size(), fds.size());
    try {
        table_bytes_ += entries.dump().size();
        if (table_bytes_ > state::kMaxFdTable)
            throw Error(ErrorCode::kInternal,
                        "the VMM's table of descriptors has more than {} bytes",
                        state::kMaxFdTable);
        for (size_t i = 0; i < fds.size(); ++i)
            kept_.push_back({entries[i].at("name").get<std::string>(),
                             entries[i].at("index").get<uint32_t>(),
                             state::fd_kind(fds[i].get()) == "[eventfd]", std::move(fds[i])});
    } catch (const nlohmann::json::exception& error) {
        throw Error(ErrorCode::kInternal, "the VMM's list of descriptors: {}", error.what());
    }
    for (Kept& kept : kept_)
        if (kept.name == kMonitorName)
            kept.fd.reset();
}

state::EntryGate& Keeper::gate() {
    if (gate_)
        return *gate_;
    for (const Kept& kept : kept_)
        if (kept.name == state::kEntryGateFd)
            gate_ = std::make_unique<state::EntryGate>(kept.fd.get());
    if (!gate_)
        throw Error(ErrorCode::kInternal, "the VMM has no descriptor {}", state::kEntryGateFd);
    return *gate_;
}

void Keeper::ring_interrupts() {
    for (const Kept& kept : kept_) {
        if (!kept.is_eventfd)
            continue;
        // A VMM in the guest's hands may have filled it.
        set_nonblocking(kept.fd.get(), true);
        eventfd_write(kept.fd.get(), 1);
    }
}

Keeper::Started Keeper::start(const Binary& binary, std::vector<std::string> arguments,
                              int64_t wanted_pid) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        throw errno_error("make a socket pair");
    UniqueFd ours(ends[0]);
    const UniqueFd theirs(ends[1]);
    state::OutgoingFds table;
    ProcessSpec spec;
    for (const Kept& kept : kept_) {
        const int fd = kept.fd ? kept.fd.get() : theirs.get();
        table.add(kept.name, kept.index, fd);
        spec.inherited.push_back(fd);
    }
    const UniqueFd list =
        make_sealed_memfd("cpr-table", table.serialize(), N_("the descriptor table"));
    spec.inherited.push_back(list.get());
    spec.binary = binary.fd.get();
    spec.arguments = std::move(arguments);
    spec.arguments.at(0) = binary.path;
    spec.arguments.insert(spec.arguments.end(), {"-cpr", fmt::format("fd={}", list.get())});
    spec.limits = limits_;
    spec.wanted_pid = wanted_pid;
    // One that hangs sees no end of its monitor, and libvirt may not know it.
    spec.ends_with_parent = true;
    return {start_process(spec), std::move(ours)};
}

}  // namespace cpr::controller

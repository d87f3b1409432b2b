// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_KEEPER_H
#define CPR_CONTROLLER_KEEPER_H

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "controller/binary_info.h"
#include "controller/vmm_process.h"
#include "state/entry_gate.h"

namespace cpr::controller {

// Everything that a saved guest needs to go on in another process than the one that saved it: its
// descriptors, the state among them. Held from the save to the point of no return; while it is, no
// end of a VMM ends the guest. On the update job's thread.
class Keeper {
  public:
    // `limits` are those of the VMM's process.
    explicit Keeper(ResourceLimits limits) : limits_(std::move(limits)) {}

    // Takes a part of the VMM's table (the answer to cpr-descriptors). Throws Error kInternal, also
    // if the parts are more than a table may be.
    void add(const nlohmann::json& entries, std::vector<UniqueFd> fds);
    size_t size() const { return kept_.size(); }

    // The point of no return. Throws Error if the table has none.
    state::EntryGate& gate();

    // Signals every eventfd. Interrupts that came to a VMM that is gone went with it; a guest takes
    // one too many, and not one too few. Nobody may be there to take them yet.
    void ring_interrupts();

    struct Started {
        VmmProcess process;
        UniqueFd monitor;  // our end
    };
    // Starts a program on the kept state, with a private monitor of its own; like any program that
    // was started with -cpr it waits for cpr-load. It ends with the thread that calls this. Throws
    // Error.
    Started start(const Binary& binary, std::vector<std::string> arguments, int64_t wanted_pid);

  private:
    struct Kept {
        std::string name;
        uint32_t index;
        bool is_eventfd;
        UniqueFd fd;
    };

    ResourceLimits limits_;
    std::vector<Kept> kept_;
    size_t table_bytes_ = 0;
    std::unique_ptr<state::EntryGate> gate_;
};

}  // namespace cpr::controller

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_STATE_ENTRY_GATE_H
#define CPR_STATE_ENTRY_GATE_H

#include <cstdint>
#include <string_view>

#include "base/unique_fd.h"

namespace cpr::state {

// Its name in the descriptor table.
constexpr std::string_view kEntryGateFd = "entry-gate";

// The point of no return, as a word in memory that VMM and controller share: who comes first
// decides, so that the guest never runs on a program that the controller has given up, and the
// controller never brings back a guest that has run on. It outlives the VMM. Any thread.
class EntryGate {
  public:
    // A descriptor of a new gate, which is open. Throws Error.
    static UniqueFd create();
    // Maps a gate; the descriptor stays the caller's. Throws Error kCorruptState.
    explicit EntryGate(int fd);
    ~EntryGate();
    EntryGate(const EntryGate&) = delete;
    EntryGate& operator=(const EntryGate&) = delete;

    // The VMM, directly before its first vCPU enters the guest: false if it must not any more.
    bool enter();
    // The controller, before it goes back to the old binary: false if the guest has been entered.
    bool withdraw();
    // The controller, when no VMM is left that was sent away: the next one may enter.
    void reopen();
    bool entered() const;

  private:
    uint32_t* word_;
};

}  // namespace cpr::state

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of descriptors that a new binary finds. Descriptors 100 to 103 are there.
#include "fuzz/fuzz.h"
#include "state/fd_table.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace cpr;
    for (int fd = 100; fd < 104; ++fd)
        dup2(STDERR_FILENO, fd);
    try {
        const state::IncomingFds fds({data, size});
        // What has been accepted can be handed on, to the old binary.
        state::OutgoingFds again;
        fds.keep(again);
        fuzz::require(again.size() == fds.leftovers().size(), "all are handed on");
        again.serialize();
    } catch (const Error&) {
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string_view>

#include "vmm/core/machine.h"

namespace cpr::vmm {

std::string_view to_string(RunState state) {
    switch (state) {
        case RunState::kPrelaunch:
            return "prelaunch";
        case RunState::kRunning:
            return "running";
        case RunState::kPaused:
            return "paused";
        case RunState::kShutdown:
            return "shutdown";
        case RunState::kInMigrate:
            return "inmigrate";
        case RunState::kInternalError:
            return "internal-error";
        case RunState::kGuestPanicked:
            return "guest-panicked";
    }
    return "paused";
}

std::string_view to_string(ShutdownCause cause) {
    switch (cause) {
        case ShutdownCause::kHostQmpQuit:
            return "host-qmp-quit";
        case ShutdownCause::kHostQmpSystemReset:
            return "host-qmp-system-reset";
        case ShutdownCause::kHostSignal:
            return "host-signal";
        case ShutdownCause::kGuestShutdown:
            return "guest-shutdown";
        case ShutdownCause::kGuestReset:
            return "guest-reset";
        case ShutdownCause::kGuestPanic:
            return "guest-panic";
    }
    return "guest-shutdown";
}

bool is_guest_caused(ShutdownCause cause) {
    return cause == ShutdownCause::kGuestShutdown || cause == ShutdownCause::kGuestReset ||
           cause == ShutdownCause::kGuestPanic;
}

}  // namespace cpr::vmm

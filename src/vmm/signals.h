// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_SIGNALS_H
#define CPR_VMM_SIGNALS_H

#include "base/unique_fd.h"

namespace cpr::vmm {

// Sets the whole signal mask, since a mask survives an exec: the signals that end the program are
// blocked, to be read from open_signals(), and nothing else. Call it before there are threads.
void set_up_signals();

// A descriptor that is readable when such a signal has come. Throws Error.
UniqueFd open_signals();
// Its number; 0 if there is none.
int read_signal(int fd);

}  // namespace cpr::vmm

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_PIDFD_H
#define CPR_BASE_PIDFD_H

// The header of glibc 2.36 lacks this for C++.
extern "C" {
#include <sys/pidfd.h>
}

#endif

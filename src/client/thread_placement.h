// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_THREAD_PLACEMENT_H
#define CPR_CLIENT_THREAD_PLACEMENT_H

#include <libvirt/libvirt.h>

#include <string>
#include <vector>

#include "client/job.h"

namespace cpr::client {

// libvirt gives each vCPU and I/O thread of a VMM a control group, processors and a scheduling
// policy when the domain starts, and never again; a new VMM has other threads. Only root can put
// those where the old ones were.

// A <vcpusched> or <iothreadsched> of a domain's XML, for one thread.
struct ThreadScheduling {
    std::string thread;  // as in VmmThreads
    int policy = 0;      // SCHED_*
    int priority = 0;
};

// All of a domain's XML. Throws CallError `invalid-argument` if it is not understood.
std::vector<ThreadScheduling> scheduling_in(const std::string& domain_xml);

// Whether this process can place the threads of that domain's VMM: it is root, and libvirt runs the
// domain on this host.
bool can_place_threads(virDomainPtr domain);

// Whether libvirt was told to treat single threads of this domain in a way of their own.
bool has_tuned_threads(virDomainPtr domain);

// Puts the threads of the domain's VMM where libvirt has put, or would put, those of a VMM that it
// starts. Throws CallError, `not-privileged` if can_place_threads() is false.
void place_threads(virDomainPtr domain);

// Does it after a job that may have given the domain other threads, if this process can.
void place_threads_after(virDomainPtr domain, const Job& job);

}  // namespace cpr::client

#endif  // CPR_CLIENT_THREAD_PLACEMENT_H

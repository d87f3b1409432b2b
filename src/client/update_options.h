// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_UPDATE_OPTIONS_H
#define CPR_CLIENT_UPDATE_OPTIONS_H

#include <libvirt/libvirt.h>

#include <string>
#include <string_view>

namespace cpr::client {

// How an update is to be done; what is empty or 0 is left to the domain's host.
struct UpdateOptions {
    std::string emulator;
    std::string mode;
    unsigned int timeout = 0;    // milliseconds
    unsigned int max_pause = 0;  // milliseconds
    bool check_only = false;
    bool place_threads = false;  // whoever asks will place the new VMM's threads
};

// Reads VIR_DOMAIN_CPR_PARAM_*. Throws CallError `invalid-argument` for a parameter that is not
// known, of another type, there twice, or whose value is none.
UpdateOptions read_update_options(virTypedParameterPtr params, int nparams);

// Throws CallError `invalid-argument` for what is no absolute path.
void check_emulator(const std::string& path);

bool is_update_mode(std::string_view name);

}  // namespace cpr::client

#endif  // CPR_CLIENT_UPDATE_OPTIONS_H

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_DOMAIN_REQUEST_H
#define CPR_TOOLS_DOMAIN_REQUEST_H

#include <optional>
#include <string>

#include "tools/update_request.h"

namespace cpr::tools {

enum class DomainAction { kEnable, kDisable, kShowPolicy, kSetPolicy, kShowHistory, kPlaceThreads };

// What `--set-policy` changes; nothing said of a member leaves it as it is.
struct PolicyChange {
    bool reset = false;  // to that of a domain without a policy
    std::optional<bool> allowed;
    std::optional<std::string> mode;
    std::optional<unsigned int> max_pause;  // milliseconds, 0: no limit
};

// What a user asks of virt-update-in-place about a domain, instead of an update.
struct DomainRequest {
    std::optional<DomainAction> action;
    std::string domain;    // name, UUID or id
    std::string emulator;  // empty: the usual program of the backend
    std::string backend;   // qemu, cpr-vmm, or empty: what the emulator program's name says
    PolicyChange policy;
    bool print_xml = false;
    bool json = false;
    std::string option;  // by which the action was asked for, without dashes

    // The option asks for an action. Throws Error(kInvalidArgument) if another one has.
    void ask(DomainAction wanted, const char* option_name);
    // Whether cpr-vmm is behind the emulator program.
    bool is_for_cpr_vmm() const;
};

// Throws Error(kInvalidArgument) for options that the action does not have, and an unknown backend.
void check_domain_request(const DomainRequest& request);

// Takes what both have in common from the words about an update. Throws Error(kInvalidArgument) for
// all that does not go with the action.
void complete_domain_request(DomainRequest& request, const UpdateRequest& update);

// Reads "allowed=no,mode=exec,max-pause=500", or "default". Throws Error(kInvalidArgument).
PolicyChange parse_policy_text(const std::string& text);

}  // namespace cpr::tools

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_UPDATE_WORDS_H
#define CPR_TOOLS_UPDATE_WORDS_H

#include <string>
#include <vector>

#include "tools/domain_request.h"
#include "tools/update_request.h"

namespace cpr::tools {

// What `virsh update-in-place` is to do: an update, or what is asked of the domain instead of one.
struct UpdateCommand {
    UpdateRequest update;
    DomainRequest instead;  // without an action: the update
};

// Reads the words after `update-in-place` by the rules and with the errors of virsh: options may be
// anywhere, `--domain g1`, `--domain=g1` and a bare `g1` are the same, and `--` ends the options.
// Throws Error(kInvalidArgument).
UpdateCommand parse_update_words(const std::vector<std::string>& words);

// The command's option names without dashes, for completion.
std::vector<std::string> update_option_names();

// What the last of the words after `update-in-place`, which is being typed, stands for.
struct TypedWord {
    bool is_option = false;
    std::string value_of;          // the option that it is the value of
    bool may_be_shut_off = false;  // the domain: what is asked for works without a guest
};
TypedWord typed_word(const std::vector<std::string>& words);

}  // namespace cpr::tools

#endif

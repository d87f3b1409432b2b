// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_ARGUMENTS_H
#define CPR_TOOLS_VIRSH_ARGUMENTS_H

#include <string>
#include <vector>

#include "tools/libvirt_session.h"

namespace cpr::tools {

// virsh's command line, split by virsh's own rules: options, then the command's words.
struct VirshArguments {
    bool is_understood = true;  // else the stock virsh has to say what is wrong, or do it
    bool help = false;          // -h, --help
    bool quiet = false;
    bool timing = false;
    ConnectionOptions connection;
    std::vector<std::string> other_options;  // for the stock virsh: all but -c and -r
    std::vector<std::string> words;
};

// `arguments` are those after the program's name.
VirshArguments parse_virsh_arguments(const std::vector<std::string>& arguments);

// The arguments that make the stock virsh run `words` with the options of `arguments`.
std::vector<std::string> stock_arguments(const VirshArguments& arguments,
                                         const std::vector<std::string>& words);

// `connect` changes where the commands after it go; other words change nothing.
void follow_connect(VirshArguments& arguments, const std::vector<std::string>& words);

}  // namespace cpr::tools

#endif

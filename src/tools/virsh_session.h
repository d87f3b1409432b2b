// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_SESSION_H
#define CPR_TOOLS_VIRSH_SESSION_H

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tools/interactive_line.h"
#include "tools/virsh_arguments.h"

namespace cpr::tools {

// Our side of an interactive session of the stock virsh, in its process: what is ours of the lines
// that are typed is run by the front end, as a process of its own, with the session's connection.
class VirshSession {
  public:
    // The front end's program, and the command line of the stock virsh, its name included.
    VirshSession(std::string front_end, std::vector<std::string> command_line);

    // Divides a line that was typed. False: it is the stock virsh's, as it is.
    bool take(const std::string& line);

    // Runs what is ours at the beginning of what was taken. Returns what the stock virsh is to do
    // then; nothing if all is done.
    std::optional<std::string> next_for_stock();

    // What our command offers for words of which the last is being typed.
    Words completions(const Words& words) const;

    // Of a line that was left to the stock virsh as it is.
    void follow(const std::string& line);

  private:
    void run(const Words& words) const;
    std::vector<std::string> program_arguments(const Words& words) const;

    std::string front_end_;
    std::string stock_name_;
    VirshArguments arguments_;
    std::deque<LinePart> parts_;
};

}  // namespace cpr::tools

#endif

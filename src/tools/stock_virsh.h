// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_STOCK_VIRSH_H
#define CPR_TOOLS_STOCK_VIRSH_H

#include <string>
#include <vector>

namespace cpr::tools {

// libvirt's own virsh, as a program to run.
class StockVirsh {
  public:
    // Finds it for a front end that was called as `called_as` (argv[0]) with `search_path` (PATH)
    // and whose own program file is `self`: virsh.distrib beside it, else the next virsh on the
    // path that is not itself. Called in the name of another program, it is that one: so its
    // interactive mode calls. Throws Error(kUnsupported).
    static StockVirsh find(const std::string& called_as, const std::string& search_path,
                           const std::string& self);

    const std::string& path() const { return path_; }

    // Becomes it. Only returns by throwing Error(kSystem).
    [[noreturn]] void become(const std::vector<std::string>& arguments) const;

    // The same for its interactive mode, with the front end's `module` loaded into it, if that is
    // there.
    [[noreturn]] void become_interactive(const std::vector<std::string>& arguments,
                                         const std::string& module) const;

    // Runs it with this program's standard streams. Returns its exit status. Throws Error.
    int run(const std::vector<std::string>& arguments) const;

    struct Output {
        int status = 0;
        std::string text;
    };

    // The same, with its standard output kept instead.
    Output capture(const std::vector<std::string>& arguments) const;

  private:
    StockVirsh(std::string path, std::string name)
        : path_(std::move(path)), name_(std::move(name)) {}

    int start(const std::vector<std::string>& arguments, int output_fd) const;

    std::string path_;
    std::string name_;  // its argv[0]
};

}  // namespace cpr::tools

#endif

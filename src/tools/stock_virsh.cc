// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/stock_virsh.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <system_error>

#include "base/error.h"
#include "base/translate.h"
#include "base/unique_fd.h"

namespace cpr::tools {

namespace {

constexpr int kExecFailed = 127;
constexpr int kSignalStatusBase = 128;

// For errno, which is the last of the text's placeholders. Call it directly after the failed call.
template <typename... Args>
Error system_error(const char* text, const Args&... args) {
    const std::string reason = std::generic_category().message(errno);
    return Error(ErrorCode::kSystem, format_text(text, args..., reason));
}

// Tells whether a file is the front end itself, under whatever name.
class Identity {
  public:
    explicit Identity(const std::string& path) { is_known_ = stat(path.c_str(), &status_) == 0; }

    bool is(const struct stat& other) const {
        return is_known_ && other.st_dev == status_.st_dev && other.st_ino == status_.st_ino;
    }

  private:
    bool is_known_;
    struct stat status_ {};
};

bool is_other_program(const std::string& path, const Identity& self) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           access(path.c_str(), X_OK) == 0 && !self.is(status);
}

std::vector<std::string> folders_of(const std::string& search_path) {
    std::vector<std::string> folders;
    std::istringstream stream(search_path);
    for (std::string folder; std::getline(stream, folder, ':');) {
        folders.push_back(folder.empty() ? "." : folder);
    }
    return folders;
}

// Where in `folders` the front end was found when it was called by a name without a slash.
std::optional<std::size_t> own_place(const std::vector<std::string>& folders,
                                     const std::string& name, const Identity& self) {
    for (std::size_t i = 0; i < folders.size(); ++i) {
        struct stat status {};
        if (stat((folders[i] + "/" + name).c_str(), &status) == 0 && self.is(status)) {
            return i;
        }
    }
    return std::nullopt;
}

// The place of `folder` in `folders`, which may name it otherwise.
std::optional<std::size_t> place_of(const std::vector<std::string>& folders,
                                    const std::string& folder) {
    Identity wanted(folder);
    for (std::size_t i = 0; i < folders.size(); ++i) {
        struct stat status {};
        if (stat(folders[i].c_str(), &status) == 0 && wanted.is(status)) {
            return i;
        }
    }
    return std::nullopt;
}

std::vector<char*> argv_of(std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    return argv;
}

int wait_for(int pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            throw system_error(_("cannot wait for virsh: {}"));
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalStatusBase + WTERMSIG(status);
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
        ssize_t count = read(fd, buffer.data(), buffer.size());
        if (count > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (count == 0 || errno != EINTR) {
            return text;
        }
    }
}

}  // namespace

StockVirsh StockVirsh::find(const std::string& called_as, const std::string& search_path,
                            const std::string& self) {
    Identity own(self);
    std::vector<std::string> folders = folders_of(search_path);
    std::size_t slash = called_as.rfind('/');
    std::optional<std::size_t> place;
    std::string folder;
    if (slash != std::string::npos) {
        if (is_other_program(called_as, own)) {
            return {called_as, called_as};
        }
        folder = slash == 0 ? "/" : called_as.substr(0, slash);
        place = place_of(folders, folder);
    } else if ((place = own_place(folders, called_as, own))) {
        folder = folders[*place];
    }
    if (!folder.empty() && is_other_program(folder + "/virsh.distrib", own)) {
        return {folder + "/virsh.distrib", folder + "/virsh"};
    }
    // Only behind our own place: two front ends in the path then never call each other in turn.
    for (std::size_t i = place ? *place + 1 : 0; i < folders.size(); ++i) {
        std::string candidate = folders[i] + "/virsh";
        if (is_other_program(candidate, own)) {
            return {candidate, candidate};
        }
    }
    throw Error(ErrorCode::kUnsupported,
                _("cannot find libvirt's own virsh: neither virsh.distrib beside this program nor "
                  "another virsh in PATH; install libvirt-clients"));
}

void StockVirsh::become(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{name_};
    all.insert(all.end(), arguments.begin(), arguments.end());
    execv(path_.c_str(), argv_of(all).data());
    throw system_error(_("cannot run '{}': {}"), path_);
}

void StockVirsh::become_interactive(const std::vector<std::string>& arguments,
                                    const std::string& module) const {
    if (access(module.c_str(), R_OK) == 0) {
        const char* others = std::getenv("LD_PRELOAD");
        const bool has_others = others && *others;
        setenv("LD_PRELOAD", (has_others ? module + ":" + others : module).c_str(), 1);
    }
    become(arguments);
}

int StockVirsh::start(const std::vector<std::string>& arguments, int output_fd) const {
    std::vector<std::string> all{name_};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv = argv_of(all);
    std::fflush(nullptr);
    int pid = fork();
    if (pid < 0) {
        throw system_error(_("cannot start virsh: {}"));
    }
    if (pid == 0) {
        if (output_fd >= 0) {
            dup2(output_fd, STDOUT_FILENO);
        }
        execv(path_.c_str(), argv.data());
        _exit(kExecFailed);
    }
    return pid;
}

int StockVirsh::run(const std::vector<std::string>& arguments) const {
    return wait_for(start(arguments, -1));
}

StockVirsh::Output StockVirsh::capture(const std::vector<std::string>& arguments) const {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) {
        throw system_error(_("cannot make a pipe for virsh: {}"));
    }
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    int pid = start(arguments, write_end.get());
    write_end.reset();
    std::string text = read_all(read_end.get());
    return {wait_for(pid), std::move(text)};
}

}  // namespace cpr::tools

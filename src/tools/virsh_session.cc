// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_session.h"

#include <glib.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <sstream>
#include <utility>

namespace cpr::tools {

namespace {

// While a command of ours runs, Ctrl-C is for that command, as with system().
class InterruptsIgnored {
  public:
    InterruptsIgnored() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGINT, &ignore, &interrupt_);
        sigaction(SIGQUIT, &ignore, &quit_);
    }
    ~InterruptsIgnored() {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGQUIT, &quit_, nullptr);
    }
    InterruptsIgnored(const InterruptsIgnored&) = delete;
    InterruptsIgnored& operator=(const InterruptsIgnored&) = delete;

  private:
    struct sigaction interrupt_ {};
    struct sigaction quit_ {};
};

void heed_interrupts(void*) {
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
}

// Runs a program with this one's standard streams, or, with a place for `output`, keeping its
// output and leaving out its errors. The first of `arguments` is its name.
void run_program(const std::string& path, const std::vector<std::string>& arguments,
                 char** output) {
    std::vector<std::string> copy{path};
    copy.insert(copy.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& argument : copy) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    const int streams = output ? G_SPAWN_STDERR_TO_DEV_NULL : G_SPAWN_CHILD_INHERITS_STDIN;
    g_autoptr(GError) error = nullptr;
    const InterruptsIgnored ignored;
    g_spawn_sync(nullptr, argv.data(), nullptr,
                 static_cast<GSpawnFlags>(G_SPAWN_FILE_AND_ARGV_ZERO | streams), heed_interrupts,
                 nullptr, output, nullptr, nullptr, &error);
    if (error && !output) {
        std::fprintf(stderr, "%s\n", error->message);
    }
}

}  // namespace

VirshSession::VirshSession(std::string front_end, std::vector<std::string> command_line)
    : front_end_(std::move(front_end)),
      stock_name_(command_line.front()),
      arguments_(parse_virsh_arguments({command_line.begin() + 1, command_line.end()})) {}

bool VirshSession::take(const std::string& line) {
    auto parts = divide_line(line);
    if (!parts) {
        return false;
    }
    parts_.assign(parts->begin(), parts->end());
    return true;
}

std::optional<std::string> VirshSession::next_for_stock() {
    while (!parts_.empty()) {
        const LinePart part = std::move(parts_.front());
        parts_.pop_front();
        if (!part.is_own) {
            follow_connect(arguments_, part.words);
            return part.text;
        }
        run(part.words);
    }
    return std::nullopt;
}

void VirshSession::follow(const std::string& line) {
    if (const auto commands = split_command_string(line)) {
        for (const Words& words : *commands) {
            follow_connect(arguments_, words);
        }
    }
}

std::vector<std::string> VirshSession::program_arguments(const Words& words) const {
    // By its name the front end finds the stock virsh again.
    std::vector<std::string> all{stock_name_};
    const std::vector<std::string> rest = stock_arguments(arguments_, words);
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
}

void VirshSession::run(const Words& words) const {
    std::fflush(nullptr);
    run_program(front_end_, program_arguments(words), nullptr);
}

Words VirshSession::completions(const Words& words) const {
    Words asked{"complete", "--"};
    asked.insert(asked.end(), words.begin(), words.end());
    char* output = nullptr;
    run_program(front_end_, program_arguments(asked), &output);
    const std::unique_ptr<char, decltype(&g_free)> owner(output, g_free);
    std::istringstream lines(output ? output : "");
    Words found;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) {
            found.push_back(line);
        }
    }
    return found;
}

}  // namespace cpr::tools

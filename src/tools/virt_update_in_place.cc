// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/translate.h"
#include "config.h"
#include "tools/daemon_restart.h"
#include "tools/domain_command.h"
#include "tools/domain_request.h"
#include "tools/fleet_update.h"
#include "tools/message.h"
#include "tools/metrics_file.h"
#include "tools/tool_main.h"
#include "tools/update_command.h"

namespace cpr::tools {

namespace {

constexpr const char* kShortOptions = ":c:hqvV";
constexpr int kCheckOption = 256;
constexpr int kVerboseOption = 257;
constexpr int kInfoOption = 258;
constexpr int kJsonOption = 259;
constexpr int kTimeoutOption = 260;
constexpr int kMaxPauseOption = 261;
constexpr int kModeOption = 262;
constexpr int kAsyncOption = 263;
constexpr int kWaitOption = 264;
constexpr int kAbortOption = 265;
constexpr int kAllOption = 266;
constexpr int kHostParallelOption = 267;
constexpr int kMaxFailuresOption = 268;
constexpr int kEmulatorOption = 269;
constexpr int kMetricsOption = 270;
constexpr int kEnableOption = 280;
constexpr int kDisableOption = 281;
constexpr int kBackendOption = 282;
constexpr int kPrintXmlOption = 283;
constexpr int kPolicyOption = 284;
constexpr int kSetPolicyOption = 285;
constexpr int kHistoryOption = 286;
constexpr int kPlaceThreadsOption = 287;
constexpr int kRestartDaemonOption = 288;

constexpr std::array kLongOptions{
    option{"connect", required_argument, nullptr, 'c'},
    option{"quiet", no_argument, nullptr, 'q'},
    option{"help", no_argument, nullptr, 'h'},
    option{"version", no_argument, nullptr, 'v'},
    option{"check", no_argument, nullptr, kCheckOption},
    option{"verbose", no_argument, nullptr, kVerboseOption},
    option{"info", no_argument, nullptr, kInfoOption},
    option{"json", no_argument, nullptr, kJsonOption},
    option{"timeout", required_argument, nullptr, kTimeoutOption},
    option{"max-pause", required_argument, nullptr, kMaxPauseOption},
    option{"mode", required_argument, nullptr, kModeOption},
    option{"async", no_argument, nullptr, kAsyncOption},
    option{"wait", no_argument, nullptr, kWaitOption},
    option{"abort", no_argument, nullptr, kAbortOption},
    option{"all", no_argument, nullptr, kAllOption},
    option{"host-parallel", required_argument, nullptr, kHostParallelOption},
    option{"max-failures", required_argument, nullptr, kMaxFailuresOption},
    option{"metrics", required_argument, nullptr, kMetricsOption},
    option{"emulator", required_argument, nullptr, kEmulatorOption},
    option{"enable", no_argument, nullptr, kEnableOption},
    option{"disable", no_argument, nullptr, kDisableOption},
    option{"backend", required_argument, nullptr, kBackendOption},
    option{"print-xml", no_argument, nullptr, kPrintXmlOption},
    option{"policy", no_argument, nullptr, kPolicyOption},
    option{"set-policy", required_argument, nullptr, kSetPolicyOption},
    option{"history", no_argument, nullptr, kHistoryOption},
    option{"place-threads", no_argument, nullptr, kPlaceThreadsOption},
    option{"restart-daemon", no_argument, nullptr, kRestartDaemonOption},
    option{nullptr, 0, nullptr, 0},
};

struct CommandLine {
    ConnectionOptions connection;
    UpdateRequest request;
    Fleet fleet;
    DomainRequest domain_request;
    std::string metrics;  // file; empty: none are written
    bool quiet = false;
    bool version = false;
    bool restart_daemon = false;
};

void print_usage() {
    std::fputs(
        _("\n"
          "virt-update-in-place [options]... DOMAIN... [EMULATOR]\n"
          "virt-update-in-place [options]... --all [EMULATOR]\n"
          "\n"
          "  Update the virtual machine monitor under the running guest of each DOMAIN (name,\n"
          "  id or uuid) to EMULATOR, an absolute path on the domain's host; without it, to\n"
          "  the one that the host's emulators.conf names.\n"
          "\n"
          "  options:\n"
          "    -c | --connect=URI      hypervisor connection URI\n"
          "    -q | --quiet            quiet mode\n"
          "         --check            only check whether the domain can be updated\n"
          "         --all              all running domains that can be updated\n"
          "         --host-parallel=N  so many domains at a time (default: 1)\n"
          "         --max-failures=N   begin no other domain after so many failures\n"
          "         --emulator=PATH    the same as EMULATOR\n"
          "         --timeout=SECONDS  go back if the update takes longer\n"
          "         --max-pause=MS     refuse or go back if the guest would be paused longer\n"
          "         --mode=MODE        auto, exec or transfer\n"
          "         --async            only start the update\n"
          "         --wait             wait for the update that is under way\n"
          "         --abort            cancel the update that is under way\n"
          "         --info             only tell of the domain's last update\n"
          "         --json             print the update as JSON\n"
          "         --verbose          show the phases, and the pause by phase\n"
          "    -h | --help             this help\n"
          "    -v | --version          version\n"
          "\n"),
        stdout);
    std::fputs(
        _("  instead of an update:\n"
          "         --enable            edit the domain's XML for updates; EMULATOR is then the\n"
          "                             emulator program to use\n"
          "         --disable           put back what the XML had before --enable\n"
          "         --backend=KIND      what is behind the emulator program: qemu, cpr-vmm\n"
          "         --print-xml         only print the XML that would result\n"
          "         --policy            tell what the domain's policy for updates is\n"
          "         --set-policy=LIST   change it: allowed=yes|no, mode=auto|exec|transfer,\n"
          "                             max-pause=MILLISECONDS; or default\n"
          "         --history           tell of the domain's updates\n"
          "\n"),
        stdout);
    std::fputs(_("  for Prometheus, after an update or without one:\n"
                 "         --metrics=FILE      write what is known of all running domains\n"
                 "\n"),
               stdout);
    std::fputs(
        _("  threads, for root on the domains' host:\n"
          "         --place-threads     put those of the VMM where libvirt has put those of\n"
          "                             the domain's first VMM, instead of an update\n"
          "         --restart-daemon    restart libvirt's daemon after updates\n"
          "\n"),
        stdout);
}

std::optional<CommandLine> usage_error(const std::string& text) {
    print_error(text);
    return std::nullopt;
}

// Takes an option about the domain's XML. False if it is none.
bool take_domain_option(int found, DomainRequest& into) {
    switch (found) {
        case kEnableOption:
            into.ask(DomainAction::kEnable, "enable");
            return true;
        case kDisableOption:
            into.ask(DomainAction::kDisable, "disable");
            return true;
        case kPolicyOption:
            into.ask(DomainAction::kShowPolicy, "policy");
            return true;
        case kSetPolicyOption:
            into.ask(DomainAction::kSetPolicy, "set-policy");
            into.policy = parse_policy_text(optarg);
            return true;
        case kHistoryOption:
            into.ask(DomainAction::kShowHistory, "history");
            return true;
        case kPlaceThreadsOption:
            into.ask(DomainAction::kPlaceThreads, "place-threads");
            return true;
        case kBackendOption:
            into.backend = optarg;
            return true;
        case kPrintXmlOption:
            into.print_xml = true;
            return true;
        default:
            return false;
    }
}

bool take_fleet_option(int found, CommandLine& into) {
    switch (found) {
        case kEmulatorOption:
            into.request.emulator = optarg;
            return true;
        case kAllOption:
            into.fleet.all = true;
            return true;
        case kHostParallelOption:
            into.fleet.parallel = parse_count("host-parallel", optarg);
            return true;
        case kRestartDaemonOption:
            into.restart_daemon = true;
            return true;
        case kMetricsOption:
            into.metrics = optarg;
            return true;
        case kMaxFailuresOption:
            into.fleet.max_failures = parse_count("max-failures", optarg);
            return true;
        default:
            return take_domain_option(found, into.domain_request);
    }
}

// Takes one option that getopt found. False if it is not understood.
bool take_option(int found, CommandLine& into) {
    switch (found) {
        case 'c':
            into.connection.uri = optarg;
            return true;
        case 'q':
            into.quiet = true;
            return true;
        case 'h':
            into.request.help = true;
            return true;
        case 'v':
        case 'V':
            into.version = true;
            return true;
        case kCheckOption:
            into.request.check = true;
            return true;
        case kVerboseOption:
            into.request.verbose = true;
            return true;
        case kInfoOption:
            into.request.info = true;
            return true;
        case kJsonOption:
            into.request.json = true;
            return true;
        case kTimeoutOption:
            into.request.timeout_seconds = parse_timeout(optarg);
            return true;
        case kMaxPauseOption:
            into.request.max_pause_milliseconds = parse_max_pause(optarg);
            return true;
        case kModeOption:
            into.request.mode = optarg;
            return true;
        case kAsyncOption:
            into.request.async = true;
            return true;
        case kWaitOption:
            into.request.wait = true;
            return true;
        case kAbortOption:
            into.request.abort = true;
            return true;
        default:
            return take_fleet_option(found, into);
    }
}

// No domain's name has a slash.
bool is_path(const std::string& word) {
    return word.find('/') != std::string::npos;
}

// What is asked about a domain's XML is asked instead of an update, and of one domain.
bool complete_for_one_domain(CommandLine& line) {
    complete_domain_request(line.domain_request, line.request);
    if (line.domain_request.action && (line.fleet.all || line.fleet.domains.size() > 1)) {
        print_error(
            format_text(_("--{} is for one domain. See --help."), line.domain_request.option));
        return false;
    }
    return true;
}

// The last word is the emulator if it is a path. False if there is another path.
bool take_words(std::vector<std::string> words, CommandLine& into) {
    if (!words.empty() && is_path(words.back()) && into.request.emulator.empty()) {
        into.request.emulator = words.back();
        words.pop_back();
    }
    auto path = std::find_if(words.begin(), words.end(), is_path);
    if (path != words.end()) {
        print_error(format_text(_("unexpected argument '{}'. See --help."), *path));
        return false;
    }
    into.fleet.domains = std::move(words);
    return true;
}

// It is for whoever waits for updates on this host.
void refuse_daemon_restart(const CommandLine& line) {
    const UpdateRequest& request = line.request;
    if (line.domain_request.action || request.check || request.info || request.async ||
        request.abort) {
        throw Error(ErrorCode::kInvalidArgument,
                    _("Option --restart-daemon is only for updates that are waited for"));
    }
    if (geteuid() != 0) {
        throw Error(ErrorCode::kInvalidArgument,
                    _("Option --restart-daemon is only for root on the domains' host"));
    }
}

// Without a domain there is nothing else to do.
bool is_only_for_metrics(const CommandLine& line) {
    return !line.metrics.empty() && !line.fleet.all && line.fleet.domains.empty() &&
           !line.domain_request.action && !line.restart_daemon && line.request.emulator.empty();
}

std::optional<CommandLine> take_operands(int argc, char** argv, CommandLine command_line) {
    if (command_line.request.help || command_line.version) {
        return command_line;
    }
    if (!take_words({argv + optind, argv + argc}, command_line)) {
        return std::nullopt;
    }
    const bool has_domains = !command_line.fleet.domains.empty();
    if (command_line.fleet.all && has_domains) {
        return usage_error(_("--all and names of domains are mutually exclusive. See --help."));
    }
    if (is_only_for_metrics(command_line)) {
        refuse_beside("metrics", command_line.request);
        return command_line;
    }
    if (!command_line.fleet.all && !has_domains) {
        return usage_error(_("a domain is required. See --help."));
    }
    command_line.request.domain = has_domains ? command_line.fleet.domains.front() : "";
    if (!complete_for_one_domain(command_line)) {
        return std::nullopt;
    }
    check_options(command_line.request);
    if (command_line.restart_daemon) {
        refuse_daemon_restart(command_line);
    }
    return command_line;
}

std::optional<CommandLine> parse_command_line(int argc, char** argv) {
    CommandLine command_line;
    opterr = 0;
    while (true) {
        int at = optind;
        int found = getopt_long(argc, argv, kShortOptions, kLongOptions.data(), nullptr);
        if (found == -1) {
            return take_operands(argc, argv, std::move(command_line));
        }
        if (found == ':') {
            return usage_error(format_text(_("option '{}' requires an argument"), argv[at]));
        }
        if (!take_option(found, command_line)) {
            return usage_error(format_text(_("unsupported option '{}'. See --help."), argv[at]));
        }
    }
}

bool update(const CommandLine& line) {
    const bool is_one = !line.fleet.all && line.fleet.domains.size() == 1;
    const bool done = is_one
                          ? run_update(line.connection, line.request, line.quiet)
                          : run_fleet_update(line.connection, line.request, line.fleet, line.quiet);
    if (line.restart_daemon) {
        restart_libvirt_daemon();
    }
    return done;
}

bool carry_out(const CommandLine& line) {
    bool done = true;
    if (line.domain_request.action) {
        done = run_domain_request(line.connection, line.domain_request, line.quiet);
    } else if (!is_only_for_metrics(line)) {
        done = update(line);
    }
    return (line.metrics.empty() || write_metrics(line.connection, line.metrics)) && done;
}

int run(int argc, char** argv) {
    auto command_line = parse_command_line(argc, argv);
    if (!command_line) {
        return EXIT_FAILURE;
    }
    if (command_line->request.help) {
        print_usage();
        return EXIT_SUCCESS;
    }
    if (command_line->version) {
        std::printf("%s\n", PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    const bool done = carry_out(*command_line);
    // Of what a timer runs every few minutes nobody wants to hear that it went well.
    if (done && !command_line->quiet && !is_only_for_metrics(*command_line)) {
        std::printf("\n");
    }
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace cpr::tools

int main(int argc, char** argv) {
    return cpr::tools::tool_main([&] { return cpr::tools::run(argc, argv); });
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "config.h"
#include "tools/i18n.h"
#include "tools/message.h"
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
    option{nullptr, 0, nullptr, 0},
};

struct CommandLine {
    ConnectionOptions connection;
    UpdateRequest request;
    bool quiet = false;
    bool version = false;
};

void print_usage() {
    std::fputs(
        _("\n"
          "virt-update-in-place [options]... DOMAIN [EMULATOR]\n"
          "\n"
          "  Update the virtual machine monitor under the running guest of DOMAIN (name, id\n"
          "  or uuid) to EMULATOR, an absolute path on the domain's host; without it, to\n"
          "  the one that the host's emulators.conf names.\n"
          "\n"
          "  options:\n"
          "    -c | --connect=URI      hypervisor connection URI\n"
          "    -q | --quiet            quiet mode\n"
          "         --check            only check whether the domain can be updated\n"
          "         --timeout=SECONDS  go back if the update takes longer\n"
          "         --info             only tell of the domain's last update\n"
          "         --json             print the update as JSON\n"
          "         --verbose          show the phases, and the pause by phase\n"
          "    -h | --help             this help\n"
          "    -v | --version          version\n"
          "\n"),
        stdout);
}

std::optional<CommandLine> usage_error(const std::string& text) {
    print_error(text);
    return std::nullopt;
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
        default:
            return false;
    }
}

std::optional<CommandLine> take_operands(int argc, char** argv, CommandLine command_line) {
    int count = argc - optind;
    if (command_line.request.help || command_line.version) {
        return command_line;
    }
    if (count < 1) {
        return usage_error(_("a domain is required. See --help."));
    }
    if (count > 2) {
        return usage_error(
            format_text(_("unexpected argument '{}'. See --help."), argv[optind + 2]));
    }
    command_line.request.domain = argv[optind];
    if (count == 2) {
        command_line.request.emulator = argv[optind + 1];
    }
    check_options(command_line.request);
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
    bool done = run_update(command_line->connection, command_line->request, command_line->quiet);
    if (done && !command_line->quiet) {
        std::printf("\n");
    }
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace cpr::tools

int main(int argc, char** argv) {
    return cpr::tools::tool_main([&] { return cpr::tools::run(argc, argv); });
}

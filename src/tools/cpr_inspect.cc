// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/io.h"
#include "base/text_translation.h"
#include "base/translate.h"
#include "config.h"
#include "tools/message.h"
#include "tools/state_listing.h"
#include "tools/tool_main.h"

namespace cpr::tools {
namespace {

constexpr std::array kLongOptions{
    option{"json", no_argument, nullptr, 'j'},
    option{"help", no_argument, nullptr, 'h'},
    option{"version", no_argument, nullptr, 'v'},
    option{nullptr, 0, nullptr, 0},
};

struct CommandLine {
    std::string file;
    bool json = false;
    bool help = false;
    bool version = false;
};

void print_usage() {
    std::fputs(_("\n"
                 "cpr-inspect [options]... FILE\n"
                 "\n"
                 "  List the sections of a guest's saved state.\n"
                 "\n"
                 "  options:\n"
                 "    -j | --json             print JSON\n"
                 "    -h | --help             this help\n"
                 "    -v | --version          version\n"
                 "\n"),
               stdout);
}

// Throws Error.
CommandLine parse_command_line(int argc, char** argv) {
    CommandLine line;
    opterr = 0;
    while (true) {
        const int at = optind;
        switch (getopt_long(argc, argv, ":jhvV", kLongOptions.data(), nullptr)) {
            case 'j':
                line.json = true;
                break;
            case 'h':
                line.help = true;
                break;
            case 'v':
            case 'V':
                line.version = true;
                break;
            case -1:
                if (!line.help && !line.version && argc - optind != 1)
                    throw Error(ErrorCode::kInvalidArgument,
                                _("one file is required. See --help."));
                line.file = optind < argc ? argv[optind] : "";
                return line;
            default:
                throw Error(ErrorCode::kInvalidArgument,
                            format_text(_("unsupported option '{}'. See --help."), argv[at]));
        }
    }
}

int inspect(const CommandLine& line) {
    try {
        // A pipe would be waited for.
        const UniqueFd file = open_file(line.file, O_RDONLY | O_NONBLOCK);
        const StateListing listing(
            read_all(file.get(), state::kMaxStream, Text::verbatim(line.file)));
        std::fputs((line.json ? listing.json() : listing.text()).c_str(), stdout);
        if (listing.intact())
            return EXIT_SUCCESS;
        throw Error(ErrorCode::kCorruptState, _("a section has a wrong checksum"));
    } catch (const Error& error) {
        print_error(format_text(_("Failed to inspect '{}'"), line.file));
        print_error(translation_of(error.text()));
        return EXIT_FAILURE;
    }
}

int run(int argc, char** argv) {
    const CommandLine line = parse_command_line(argc, argv);
    if (line.help) {
        print_usage();
        return EXIT_SUCCESS;
    }
    if (line.version) {
        std::printf("%s\n", PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    return inspect(line);
}

}  // namespace
}  // namespace cpr::tools

int main(int argc, char** argv) {
    return cpr::tools::tool_main([&] { return cpr::tools::run(argc, argv); });
}

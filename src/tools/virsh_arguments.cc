// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_arguments.h"

#include <getopt.h>

#include <array>
#include <charconv>
#include <string_view>

namespace cpr::tools {

namespace {

// As in virsh: "+" ends the options at the first word that is none.
constexpr const char* kShortOptions = "+:c:d:e:hk:K:l:qrtvV";
constexpr int kNoPkttyagent = 256;

constexpr std::array kLongOptions{
    option{"connect", required_argument, nullptr, 'c'},
    option{"debug", required_argument, nullptr, 'd'},
    option{"escape", required_argument, nullptr, 'e'},
    option{"help", no_argument, nullptr, 'h'},
    option{"keepalive-interval", required_argument, nullptr, 'k'},
    option{"keepalive-count", required_argument, nullptr, 'K'},
    option{"log", required_argument, nullptr, 'l'},
    option{"no-pkttyagent", no_argument, nullptr, kNoPkttyagent},
    option{"quiet", no_argument, nullptr, 'q'},
    option{"readonly", no_argument, nullptr, 'r'},
    option{"timing", no_argument, nullptr, 't'},
    option{"version", optional_argument, nullptr, 'v'},
    option{nullptr, 0, nullptr, 0},
};

std::optional<int> number_in(const std::string& text) {
    int number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    bool is_number = error == std::errc() && end == text.data() + text.size() && number >= 0;
    return is_number ? std::optional<int>(number) : std::nullopt;
}

// One option as virsh would take it; the parsed command line grows by it.
class OptionTaker {
  public:
    explicit OptionTaker(VirshArguments& into) : into_(into) {}

    // False: the stock virsh has to deal with the whole command line.
    bool take(int option, const char* value) {
        switch (option) {
            case 'c':
                into_.connection.uri = value;
                return true;
            case 'r':
                into_.connection.read_only = true;
                return true;
            case 'h':
                into_.help = true;
                return true;
            case 'q':
                into_.quiet = true;
                return pass_on(option, nullptr);
            case 't':
                into_.timing = true;
                return pass_on(option, nullptr);
            case 'k':
                return take_number(into_.connection.keepalive_interval, option, value);
            case 'K':
                return take_number(into_.connection.keepalive_count, option, value);
            case 'd':
            case 'e':
            case 'l':
                return pass_on(option, value);
            case kNoPkttyagent:
                into_.other_options.emplace_back("--no-pkttyagent");
                return true;
            default:
                return false;
        }
    }

  private:
    bool pass_on(int option, const char* value) {
        into_.other_options.push_back(std::string("-") + static_cast<char>(option));
        if (value) {
            into_.other_options.emplace_back(value);
        }
        return true;
    }

    bool take_number(std::optional<int>& number, int option, const char* value) {
        number = number_in(value);
        return number && pass_on(option, value);
    }

    VirshArguments& into_;
};

}  // namespace

VirshArguments parse_virsh_arguments(const std::vector<std::string>& arguments) {
    VirshArguments parsed;
    std::vector<std::string> copy{"virsh"};
    copy.insert(copy.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& argument : copy) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    int argc = static_cast<int>(copy.size());
    optind = 0;  // getopt keeps state between runs unless told to start anew
    opterr = 0;
    OptionTaker taker(parsed);
    int option = 0;
    while (parsed.is_understood && !parsed.help &&
           (option = getopt_long(argc, argv.data(), kShortOptions, kLongOptions.data(), nullptr)) !=
               -1) {
        parsed.is_understood = taker.take(option, optarg);
    }
    for (int i = optind; i < argc; ++i) {
        parsed.words.emplace_back(argv[static_cast<std::size_t>(i)]);
    }
    return parsed;
}

std::vector<std::string> stock_arguments(const VirshArguments& arguments,
                                         const std::vector<std::string>& words) {
    std::vector<std::string> result = arguments.other_options;
    if (arguments.connection.read_only) {
        result.emplace_back("-r");
    }
    if (arguments.connection.uri) {
        result.emplace_back("-c");
        result.push_back(*arguments.connection.uri);
    }
    result.insert(result.end(), words.begin(), words.end());
    return result;
}

void follow_connect(VirshArguments& arguments, const std::vector<std::string>& words) {
    if (words[0] != "connect") {
        return;
    }
    constexpr std::string_view kName = "--name=";
    ConnectionOptions& connection = arguments.connection;
    connection.uri = "";
    connection.read_only = false;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == "--readonly") {
            connection.read_only = true;
        } else if (words[i].starts_with(kName)) {
            connection.uri = words[i].substr(kName.size());
        } else if (words[i] != "--name") {
            connection.uri = words[i];
        }
    }
}

}  // namespace cpr::tools

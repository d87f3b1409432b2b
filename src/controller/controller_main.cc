// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "base/system_log.h"
#include "controller/chardev/plan_json.h"
#include "controller/command_line.h"
#include "controller/controller.h"
#include "controller/display/vnc_plan.h"
#include "controller/launch.h"
#include "controller/qemu/guest.h"
#include "controller/qemu/version.h"

namespace cpr::controller {
namespace {

// For the host's log to take the last lines when the VMM has ended.
constexpr std::chrono::seconds kLogTime(2);

using Options = std::map<std::string, std::string>;

Options parse_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const size_t equals = argument.find('=');
        if (!argument.starts_with("--") || equals == std::string::npos)
            throw Error(ErrorCode::kInvalidArgument,
                        "unexpected argument '{}': virt-cpr-emulator starts this program, nobody "
                        "else",
                        argument);
        options[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
    }
    return options;
}

const std::string& get(const Options& options, const char* name) {
    const auto found = options.find(name);
    if (found == options.end())
        throw Error(ErrorCode::kInvalidArgument, "--{}=... is missing", name);
    return found->second;
}

int64_t get_number(const Options& options, const char* name) {
    const std::string& text = get(options, name);
    int64_t number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0)
        throw Error(ErrorCode::kInvalidArgument, "--{}={}: not a number", name, text);
    return number;
}

UniqueFd get_fd(const Options& options, const char* name) {
    UniqueFd fd(static_cast<int>(get_number(options, name)));
    set_cloexec(fd.get(), true);
    return fd;
}

std::vector<UniqueFd> get_fds(const Options& options, const char* name) {
    std::istringstream numbers(get(options, name));
    std::vector<UniqueFd> fds;
    for (std::string number; std::getline(numbers, number, ',');)
        fds.push_back(get_fd({{name, number}}, name));
    return fds;
}

qemu::Guest::Beginning read_qemu_options(const Options& options) {
    const auto version = qemu::parse_version(get(options, kQemuOption));
    if (!version)
        throw Error(ErrorCode::kInvalidArgument, "--{}={}: not a version", kQemuOption,
                    get(options, kQemuOption));
    const auto chardevs = nlohmann::json::parse(get(options, kChardevsOption), nullptr, false);
    const auto vnc = nlohmann::json::parse(get(options, kVncOption), nullptr, false);
    return {*version, get_fds(options, kInheritedOption), chardev_plan_from(chardevs),
            vnc_plan_from(vnc), options.contains(kExecOption)};
}

ControllerOptions read_options(const Options& options) {
    const UniqueFd arguments = get_fd(options, kArgumentsOption);
    const auto bytes = read_all(arguments.get(), kMaxArguments, "the VMM's command line");
    ControllerOptions result;
    result.listener = get_fd(options, kListenerOption);
    result.vmm_socket = get_fd(options, kMonitorOption);
    result.emulator = get(options, kEmulatorOption);
    result.domain = get(options, kDomainOption);
    result.vmm.process = std::make_shared<const VmmProcess>(
        VmmProcess{get_number(options, kPidOption), get_fd(options, kPidfdOption)});
    result.vmm.arguments = split_arguments({bytes.begin(), bytes.end()});
    result.vmm.binary = std::make_shared<const Binary>(
        Binary{get(options, kBinaryOption), get_fd(options, kBinaryFdOption)});
    if (options.contains(kQemuOption))
        result.qemu = read_qemu_options(options);
    if (options.contains(kExecOption))
        result.exec_end = get_fd(options, kExecOption);
    return result;
}

int run(int argc, char** argv) {
    try {
        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        ControllerOptions options = read_options(parse_options(argc, argv));
        SystemLog system_log;
        options.write_log = [&](SystemLogEntry entry) {
            if (!system_log.write(std::move(entry)))
                log::warning("the host's log does not take a line in time: it is lost");
        };
        EventLoop loop;
        Controller controller(loop, std::move(options));
        controller.run();
        system_log.flush(kLogTime);
        // A job that hangs in a program it runs must not keep the process.
        _exit(EXIT_SUCCESS);
    } catch (const std::exception& error) {
        log::error("{}", error.what());
        return EXIT_FAILURE;
    }
}

}  // namespace
}  // namespace cpr::controller

int main(int argc, char** argv) {
    return cpr::controller::run(argc, argv);
}

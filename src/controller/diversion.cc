// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/diversion.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/scope_exit.h"
#include "base/translate.h"
#include "controller/binary_info.h"
#include "controller/launch.h"
#include "controller/program_run.h"

namespace cpr::controller {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDivertProgram = "/usr/bin/dpkg-divert";
constexpr const char* kController = "/virt-cpr-controller";

Error wrong_state(const std::string& text) {
    return Error(ErrorCode::kInvalidState, text);
}

std::vector<std::string> command_line_of(const fs::path& process) {
    std::ifstream file(process / "cmdline", std::ios::binary);
    std::vector<std::string> arguments;
    for (std::string argument; std::getline(file, argument, '\0');)
        arguments.push_back(argument);
    return arguments;
}

std::optional<std::string> option_in(const std::vector<std::string>& arguments, const char* name) {
    const std::string prefix = fmt::format("--{}=", name);
    for (const std::string& argument : arguments)
        if (argument.starts_with(prefix))
            return argument.substr(prefix.size());
    return std::nullopt;
}

// For what is undone: why that failed matters less than why it is undone.
template <typename Function>
void quietly(Function function) {
    try {
        function();
    } catch (const std::exception& error) {
        log::warning("{}", error.what());
    }
}

bool is_process(const fs::path& entry) {
    return std::ranges::all_of(entry.filename().string(),
                               [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::string Diversion::name() const {
    return path_.substr(path_.rfind('/') + 1);
}

bool Diversion::exists() const {
    std::error_code error;
    return fs::equivalent(path_, program_, error) && fs::is_symlink(path_, error);
}

void Diversion::add() const {
    if (exists())
        throw wrong_state(format_text(_("'{}' is diverted already"), path_));
    if (fs::exists(fs::symlink_status(diverted_path())))
        throw wrong_state(
            format_text(_("'{}' is in the way: the VMM would be put there"), diverted_path()));
    divert("--add");
    ScopeExit undo_divert([&] { quietly([&] { divert("--remove"); }); });
    // The VMM is never missing: it gets a second name before it loses its first.
    if (link(path_.c_str(), diverted_path().c_str()) < 0)
        throw errno_error("link '{}' to '{}'", path_, diverted_path());
    ScopeExit undo_link([&] { unlink(diverted_path().c_str()); });
    ScopeExit undo_config([&] { quietly([&] { forget_diverted_path(); }); });
    replace_binaries(path_, diverted_path());
    config_.set({name(), diverted_path()});
    put_program();
    undo_config.dismiss();
    undo_link.dismiss();
    undo_divert.dismiss();
}

void Diversion::remove() const {
    if (!exists())
        throw wrong_state(format_text(_("'{}' is not diverted"), path_));
    const auto domains = domains_of_emulator(name());
    if (!domains.empty())
        throw wrong_state(format_text(_("domains run that were started with '{}': {}; shut them "
                                        "down first"),
                                      path_, fmt::join(domains, ", ")));
    put_vmm_back();
    divert("--remove");
    forget_diverted_path();
}

void Diversion::divert(const char* command) const {
    const Binary program = open_binary(kDivertProgram);
    // dpkg's own renaming leaves a moment without any file under the path.
    const RunResult result =
        run_program(program.fd.get(), {kDivertProgram, "--quiet", "--local", "--no-rename",
                                       "--divert", diverted_path(), command, path_});
    if (result.status != 0)
        throw Error(ErrorCode::kSystem, "{} {} {} {}", kDivertProgram, command, path_,
                    result.status_text());
}

void Diversion::put_program() const {
    const std::string next = path_ + ".cpr-new";
    unlink(next.c_str());
    if (symlink(program_.c_str(), next.c_str()) < 0)
        throw errno_error("make the link '{}'", next);
    if (rename(next.c_str(), path_.c_str()) < 0) {
        const Error error = errno_error("rename '{}' to '{}'", next, path_);
        unlink(next.c_str());
        throw error;
    }
}

void Diversion::put_vmm_back() const {
    if (rename(diverted_path().c_str(), path_.c_str()) == 0)
        return;
    // The VMM's package may have been removed meanwhile.
    if (errno != ENOENT)
        throw errno_error("rename '{}' to '{}'", diverted_path(), path_);
    if (unlink(path_.c_str()) < 0)
        throw errno_error("remove '{}'", path_);
}

void Diversion::forget_diverted_path() const {
    config_.remove(name());
    replace_binaries(diverted_path(), path_);
}

// What stands behind other emulator programs stays the same file.
void Diversion::replace_binaries(const std::string& from, const std::string& to) const {
    if (!fs::exists(config_.path()))
        return;
    for (const EmulatorEntry& entry : config_.list())
        if (entry.binary == from)
            config_.set({entry.name, to});
}

std::vector<std::string> domains_of_emulator(const std::string& name, const std::string& proc) {
    std::vector<std::string> domains;
    for (const auto& process : fs::directory_iterator(proc)) {
        if (!is_process(process.path()))
            continue;
        const auto arguments = command_line_of(process.path());
        if (arguments.empty() || !arguments[0].ends_with(kController) ||
            option_in(arguments, kEmulatorOption) != name)
            continue;
        domains.push_back(option_in(arguments, kDomainOption).value_or("?"));
    }
    std::ranges::sort(domains);
    return domains;
}

}  // namespace cpr::controller

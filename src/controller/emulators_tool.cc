// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/emulators_tool.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/text_translation.h"
#include "base/text_width.h"
#include "base/translate.h"
#include "config.h"
#include "controller/binary_info.h"
#include "controller/diversion.h"
#include "controller/qemu/version.h"

namespace cpr::controller {
namespace {

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
}

void print_error(const std::string& text) {
    std::fflush(stdout);
    std::fputs((format_text(_("error: {}"), text) + "\n").c_str(), stderr);
}

std::string usage() {
    return _(
        "Usage:\n"
        "  virt-cpr-emulators list\n"
        "  virt-cpr-emulators show NAME\n"
        "  virt-cpr-emulators set NAME BINARY\n"
        "  virt-cpr-emulators divert PATH\n"
        "  virt-cpr-emulators undivert PATH\n"
        "\n"
        "Shows or changes which virtual machine monitor (VMM) stands behind an emulator\n"
        "program. NAME is the last part of the program's path, as in a domain's <emulator>.\n"
        "Running domains stay on their VMM until they are updated.\n"
        "\n"
        "divert puts the emulator program in the place of the system's VMM PATH, for all\n"
        "domains whose <emulator> that is, and undivert the VMM back.\n");
}

// Of a VMM of ours or of QEMU. Throws Error.
std::string usable_version(const std::string& path) {
    const Binary binary = open_binary(path);
    if (const auto qemu = qemu::version_of(binary))
        return qemu->text();
    return read_binary_info(binary).version;
}

// The version for a listing: what it says, or that it does not say.
std::string version_of(const std::string& binary) {
    try {
        return usable_version(binary);
    } catch (const Error&) {
        return _("(not usable)");
    }
}

void check_name(const std::string& name) {
    const bool plain = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return c > 0x20 && c < 0x7f && c != '/' && c != '[' && c != ']';
    });
    if (!plain)
        throw Error(ErrorCode::kInvalidArgument,
                    format_text(_("'{}' is not the name of a program"), name));
}

void check_path(const std::string& path) {
    if (!path.starts_with('/'))
        throw Error(ErrorCode::kInvalidArgument,
                    format_text(_("binary '{}' is not an absolute path"), path));
}

}  // namespace

int EmulatorsTool::run(const std::vector<std::string>& arguments) const {
    const std::string command = arguments.empty() ? "" : arguments[0];
    if (command == "--help" || command == "-h" || command == "help") {
        print(usage());
        return 0;
    }
    if (command == "--version" || command == "-V") {
        print(PACKAGE_VERSION "\n");
        return 0;
    }
    try {
        if (command == "list" && arguments.size() == 1)
            list();
        else if (command == "show" && arguments.size() == 2)
            show(arguments[1]);
        else if (command == "set" && arguments.size() == 3)
            set(arguments[1], arguments[2]);
        else if (command == "divert" && arguments.size() == 2)
            divert(arguments[1]);
        else if (command == "undivert" && arguments.size() == 2)
            undivert(arguments[1]);
        else
            throw Error(ErrorCode::kInvalidArgument,
                        _("command 'list', 'show NAME', 'set NAME BINARY', 'divert PATH' or "
                          "'undivert PATH' expected; see --help"));
        return 0;
    } catch (const Error& error) {
        print_error(translation_of(error.text()));
        return 1;
    }
}

void EmulatorsTool::list() const {
    const auto entries = config_.list();
    size_t width = columns_of(_("Emulator"));
    for (const EmulatorEntry& entry : entries)
        width = std::max(width, entry.name.size());
    const std::string head =
        fmt::format(" {:<{}}   {:<12}   {}", _("Emulator"), width, _("Version"), _("Binary"));
    print(head + "\n" + std::string(columns_of(head) + 20, '-') + "\n");
    for (const EmulatorEntry& entry : entries)
        print(fmt::format(" {:<{}}   {:<12}   {}\n", entry.name, width, version_of(entry.binary),
                          entry.binary));
    print("\n");
}

void EmulatorsTool::show(const std::string& name) const {
    const EmulatorEntry entry = config_.find(name);
    const std::string version = version_of(entry.binary);
    for (const auto& [label, value] : {std::pair<const char*, std::string>{_("Emulator:"), name},
                                       {_("Binary:"), entry.binary},
                                       {_("Version:"), version}})
        print(fmt::format("{:<17} {}\n", label, value));
    print("\n");
}

void EmulatorsTool::set(const std::string& name, const std::string& binary) const {
    check_name(name);
    check_path(binary);
    const std::string version = usable_version(binary);
    config_.set({name, binary});
    refresh_program(name);
    print(format_text(_("Emulator '{}' set to {} (version {})\n"), name, binary, version) + "\n");
}

void EmulatorsTool::divert(const std::string& path) const {
    check_path(path);
    const Diversion diversion(config_, path, program_);
    // Of one that is diverted already the emulator program would be asked.
    const std::string version = diversion.exists() ? "" : usable_version(path);
    diversion.add();
    print(format_text(_("Domains with <emulator>{}</emulator> can be updated in place from their "
                        "next start on; the VMM is {} (version {})"),
                      path, diversion.diverted_path(), version) +
          "\n\n");
}

void EmulatorsTool::undivert(const std::string& path) const {
    check_path(path);
    Diversion(config_, path, program_).remove();
    print(format_text(_("'{}' is the system's again"), path) + "\n\n");
}

// libvirt keeps what it found out about an emulator program until the program's ctime changes, and
// does not see what stands behind it. Setting the mode that it has changes only the ctime.
void EmulatorsTool::refresh_program(const std::string& name) const {
    for (const std::string& folder : folders_) {
        const std::string path = fmt::format("{}/{}", folder, name);
        struct stat info {};
        if (stat(path.c_str(), &info) < 0)
            continue;
        if (chmod(path.c_str(), info.st_mode & 07777) < 0)
            throw errno_error("touch '{}'", path);
        return;
    }
    print_error(format_text(_("there is no program '{}' in {} yet: if it is elsewhere, touch it, "
                              "for libvirt to see the change"),
                            name, fmt::join(folders_, ", ")));
}

}  // namespace cpr::controller

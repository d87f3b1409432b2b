// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/domain_request.h"

#include <charconv>
#include <sstream>

#include "base/error.h"
#include "base/translate.h"

namespace cpr::tools {

namespace {

constexpr const char* kQemuBackend = "qemu";
constexpr const char* kCprVmmBackend = "cpr-vmm";
// The emulator program that the installation has, with cpr-vmm behind it.
constexpr const char* kCprVmmProgram = "virt-cpr-emulator";

template <typename... Args>
Error refused(const char* text, const Args&... args) {
    return Error(ErrorCode::kInvalidArgument, format_text(text, args...));
}

void require_action(bool given, bool fits, const char* option, const char* actions) {
    if (given && !fits) {
        throw refused(_("Option --{} is only for {}"), option, actions);
    }
}

bool parse_yes_or_no(const std::string& value) {
    if (value != "yes" && value != "no") {
        throw refused(_("'{}' is neither yes nor no"), value);
    }
    return value == "yes";
}

unsigned int parse_milliseconds(const std::string& value) {
    unsigned int number = 0;
    const char* end_of_text = value.data() + value.size();
    auto [end, error] = std::from_chars(value.data(), end_of_text, number);
    if (error != std::errc() || end != end_of_text) {
        throw refused(_("'{}' is no number of milliseconds"), value);
    }
    return number;
}

void take_member(PolicyChange& change, const std::string& name, const std::string& value) {
    if (name == "allowed") {
        change.allowed = parse_yes_or_no(value);
    } else if (name == "mode") {
        change.mode = value;
    } else if (name == "max-pause") {
        change.max_pause = parse_milliseconds(value);
    } else {
        throw refused(_("a policy has no '{}'; it has allowed, mode and max-pause"), name);
    }
}

}  // namespace

void DomainRequest::ask(DomainAction wanted, const char* option_name) {
    if (action) {
        throw refused(_("Options --{} and --{} are mutually exclusive"), option, option_name);
    }
    action = wanted;
    option = option_name;
}

bool DomainRequest::is_for_cpr_vmm() const {
    if (!backend.empty()) {
        return backend == kCprVmmBackend;
    }
    return emulator.substr(emulator.rfind('/') + 1) == kCprVmmProgram;
}

void check_domain_request(const DomainRequest& request) {
    const bool enables = request.action == DomainAction::kEnable;
    const bool edits = enables || request.action == DomainAction::kDisable;
    const bool shows = request.action == DomainAction::kShowHistory;
    require_action(!request.backend.empty(), enables, "backend", "--enable");
    require_action(request.print_xml, edits, "print-xml", "--enable, --disable");
    if (request.action) {
        require_action(request.json, shows, "json", "--history");
    }
    if (request.action && !enables && !request.emulator.empty()) {
        throw refused(_("unexpected argument '{}'. See --help."), request.emulator);
    }
    if (!request.backend.empty() && request.backend != kQemuBackend &&
        request.backend != kCprVmmBackend) {
        throw refused(_("there is no backend '{}'; there are {} and {}"), request.backend,
                      kQemuBackend, kCprVmmBackend);
    }
}

void complete_domain_request(DomainRequest& request, const UpdateRequest& update) {
    request.domain = update.domain;
    request.emulator = update.emulator;
    request.json = update.json;
    check_domain_request(request);
    if (request.action) {
        refuse_beside(request.option.c_str(), update);
    }
}

PolicyChange parse_policy_text(const std::string& text) {
    PolicyChange change;
    if (text == "default") {
        change.reset = true;
        return change;
    }
    std::istringstream members(text);
    bool any = false;
    for (std::string member; std::getline(members, member, ','); any = true) {
        const std::size_t equals = member.find('=');
        if (equals == std::string::npos) {
            throw refused(_("'{}' is not of the form NAME=VALUE"), member);
        }
        take_member(change, member.substr(0, equals), member.substr(equals + 1));
    }
    if (!any) {
        throw refused(_("'{}' is not of the form NAME=VALUE"), text);
    }
    return change;
}

}  // namespace cpr::tools

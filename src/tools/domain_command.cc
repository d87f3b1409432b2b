// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/domain_command.h"

#include <fmt/format.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/translate.h"
#include "tools/message.h"
#include "tools/update_command.h"

namespace cpr::tools {

namespace {

struct FreeText {
    void operator()(char* text) const { std::free(text); }
};
using Text = std::unique_ptr<char, FreeText>;

// A list of typed parameters that libvirt-cpr fills or reads.
class Params {
  public:
    Params() = default;
    Params(const Params&) = delete;
    Params& operator=(const Params&) = delete;
    ~Params() { virTypedParamsFree(list, size); }

    std::string text(const std::string& name) const {
        const char* value = nullptr;
        virTypedParamsGetString(list, size, name.c_str(), &value);
        return value ? value : "";
    }

    std::optional<unsigned long long> number(const std::string& name) const {
        unsigned long long value = 0;
        const bool found = virTypedParamsGetULLong(list, size, name.c_str(), &value) == 1;
        return found ? std::optional<unsigned long long>(value) : std::nullopt;
    }

    virTypedParameterPtr list = nullptr;
    int size = 0;
    int capacity = 0;
};

void print_row(const char* label, const std::string& text) {
    std::printf("%s\n", fmt::format("{:<17}{}", label, text).c_str());
}

unsigned int flag_if(bool condition, unsigned int flag) {
    return condition ? flag : 0;
}

// Wherever the domain has a policy: what runs, and what is started the next time.
unsigned int everywhere(virDomainPtr domain) {
    const bool runs = virDomainIsActive(domain) == 1;
    const bool is_kept = virDomainIsPersistent(domain) == 1;
    return flag_if(runs, VIR_DOMAIN_AFFECT_LIVE) | flag_if(is_kept, VIR_DOMAIN_AFFECT_CONFIG);
}

class DomainCommand {
  public:
    DomainCommand(const ConnectionOptions& connection, const DomainRequest& request, bool quiet)
        : session_(connection), request_(request), quiet_(quiet) {}

    bool run() {
        if (!open_session(session_)) {
            return false;
        }
        domain_ = session_.find_domain(request_.domain);
        if (!domain_) {
            print_error(format_text(_("failed to get domain '{}'"), request_.domain));
            return false;
        }
        switch (*request_.action) {
            case DomainAction::kEnable:
                return enable();
            case DomainAction::kDisable:
                return disable();
            case DomainAction::kShowPolicy:
                return show_policy();
            case DomainAction::kSetPolicy:
                return set_policy();
            case DomainAction::kShowHistory:
                return show_history();
            case DomainAction::kPlaceThreads:
                return place_threads();
        }
        return false;
    }

  private:
    bool enable() {
        const char* emulator = request_.emulator.empty() ? nullptr : request_.emulator.c_str();
        char* xml = nullptr;
        const int restart = virDomainCprEnable(
            domain_.get(), emulator, &xml,
            dry_run() | flag_if(request_.is_for_cpr_vmm(), VIR_DOMAIN_CPR_PREPARE_CPR_VMM));
        const Text owner(xml);
        if (restart < 0) {
            return tell_failure(_("Failed to enable domain '{}' for updates in place"));
        }
        tell_edit(xml, _("Domain '{}' enabled for updates in place"));
        tell_restart(restart, _("its guest can be updated in place once it has been shut down and "
                                "started again"));
        return true;
    }

    bool disable() {
        char* xml = nullptr;
        const int restart = virDomainCprDisable(domain_.get(), &xml, dry_run());
        const Text owner(xml);
        if (restart < 0) {
            return tell_failure(_("Failed to disable domain '{}' for updates in place"));
        }
        tell_edit(xml, _("Domain '{}' disabled for updates in place"));
        tell_restart(restart, _("its guest goes on as it is until it is shut down and started "
                                "again"));
        return true;
    }

    unsigned int dry_run() const {
        return flag_if(request_.print_xml, VIR_DOMAIN_CPR_PREPARE_DRY_RUN);
    }

    void tell_edit(const char* xml, const char* done) const {
        if (request_.print_xml) {
            std::printf("%s\n", xml);
        } else if (!quiet_) {
            std::printf("%s\n", format_text(done, request_.domain).c_str());
        }
    }

    // Beside an XML, which may go to a program, it is told on standard error.
    void tell_restart(int restart, const char* text) const {
        if (restart == 1 && !quiet_) {
            print_notice(text);
        }
    }

    bool show_policy() const {
        Params params;
        if (virDomainCprGetPolicy(domain_.get(), &params.list, &params.size, 0) < 0) {
            return tell_failure(_("Failed to get the policy of domain '{}'"));
        }
        int allowed = 0;
        unsigned int max_pause = 0;
        virTypedParamsGetBoolean(params.list, params.size, VIR_DOMAIN_CPR_POLICY_ALLOWED, &allowed);
        virTypedParamsGetUInt(params.list, params.size, VIR_DOMAIN_CPR_POLICY_MAX_PAUSE,
                              &max_pause);
        print_row(_("Allowed:"), allowed ? _("yes") : _("no"));
        print_row(_("Mode:"), params.text(VIR_DOMAIN_CPR_POLICY_MODE));
        print_row(_("Longest pause:"),
                  max_pause ? format_text(_("{} ms"), max_pause) : std::string(_("no limit")));
        return true;
    }

    bool set_policy() const {
        const PolicyChange& change = request_.policy;
        Params params;
        if (change.allowed) {
            virTypedParamsAddBoolean(&params.list, &params.size, &params.capacity,
                                     VIR_DOMAIN_CPR_POLICY_ALLOWED, *change.allowed);
        }
        if (change.mode) {
            virTypedParamsAddString(&params.list, &params.size, &params.capacity,
                                    VIR_DOMAIN_CPR_POLICY_MODE, change.mode->c_str());
        }
        if (change.max_pause) {
            virTypedParamsAddUInt(&params.list, &params.size, &params.capacity,
                                  VIR_DOMAIN_CPR_POLICY_MAX_PAUSE, *change.max_pause);
        }
        const unsigned int flags = everywhere(domain_.get());
        if (virDomainCprSetPolicy(domain_.get(), change.reset ? nullptr : params.list, params.size,
                                  flags) < 0) {
            return tell_failure(_("Failed to set the policy of domain '{}'"));
        }
        if (!quiet_) {
            const char* done = _("Policy of domain '{}' set");
            std::printf("%s\n", format_text(done, request_.domain).c_str());
        }
        return true;
    }

    bool show_history() const {
        Params params;
        char* json = nullptr;
        const int count =
            virDomainCprGetHistory(domain_.get(), &json, &params.list, &params.size, 0);
        const Text owner(json);
        if (count < 0) {
            return tell_failure(_("Failed to get the history of domain '{}'"));
        }
        if (request_.json) {
            std::printf("%s\n", json);
            return true;
        }
        print_update(_("Generation"), _("Time"), _("Pause"), _("Version"), _("Binary"));
        std::printf("%s\n", std::string(80, '-').c_str());
        for (int i = 0; i < count; ++i) {
            print_entry(params, fmt::format("history.{}.", i));
        }
        return true;
    }

    bool place_threads() const {
        if (virDomainCprPlaceThreads(domain_.get(), 0) < 0) {
            return tell_failure(_("Failed to place the threads of domain '{}'"));
        }
        if (!quiet_) {
            const char* done = _("Threads of domain '{}' placed");
            std::printf("%s\n", format_text(done, request_.domain).c_str());
        }
        return true;
    }

    static void print_entry(const Params& params, const std::string& prefix) {
        const auto pause = params.number(prefix + "pause-ns");
        print_update(std::to_string(params.number(prefix + "generation").value_or(0)),
                     params.text(prefix + "time"),
                     pause ? format_text(_("{:.1f} ms"), static_cast<double>(*pause) / 1e6) : "-",
                     params.text(prefix + "version"), params.text(prefix + "binary"));
    }

    static void print_update(const std::string& generation, const std::string& time,
                             const std::string& pause, const std::string& version,
                             const std::string& binary) {
        std::printf("%s\n", fmt::format(" {:<10}   {:<20}   {:<11}   {:<10}   {}", generation, time,
                                        pause, version, binary)
                                .c_str());
    }

    bool tell_failure(const char* headline) const {
        const std::string cause = virCprGetLastErrorMessage();
        print_error(format_text(headline, request_.domain));
        print_error(cause);
        return false;
    }

    LibvirtSession session_;
    DomainRequest request_;
    bool quiet_;
    Domain domain_;
};

}  // namespace

bool run_domain_request(const ConnectionOptions& connection, const DomainRequest& request,
                        bool quiet) {
    return DomainCommand(connection, request, quiet).run();
}

}  // namespace cpr::tools

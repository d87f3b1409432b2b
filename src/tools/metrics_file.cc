// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/metrics_file.h"

#include <glib.h>
#include <libvirt-cpr/libvirt-cpr.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/translate.h"
#include "tools/message.h"
#include "tools/metrics.h"
#include "tools/update_command.h"

namespace cpr::tools {

namespace {

// The collector runs as a user of its own.
constexpr int kFileMode = 0644;

// A controller that knows no statistics is one all the same, of an older version.
bool has_controller(virDomainPtr domain) {
    const char* code = virCprGetLastErrorCode();
    if (!code || std::strcmp(code, "unsupported") != 0) {
        return true;
    }
    return virDomainCprGetJob(domain, nullptr, nullptr, nullptr, 0) >= 0;
}

DomainMetrics metrics_of(virDomainPtr domain) {
    DomainMetrics metrics{.name = virDomainGetName(domain)};
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virDomainGetUUIDString(domain, uuid);
    metrics.uuid = uuid;
    char* text = nullptr;
    if (virDomainCprGetStats(domain, &text, nullptr, nullptr, 0) < 0) {
        metrics.is_ours = has_controller(domain);
        return metrics;
    }
    metrics.is_ours = true;
    metrics.stats = nlohmann::json::parse(text);
    std::free(text);
    return metrics;
}

bool write_file(const std::string& path, const std::string& text) {
    GError* error = nullptr;
    const bool written =
        g_file_set_contents_full(path.c_str(), text.data(), static_cast<gssize>(text.size()),
                                 G_FILE_SET_CONTENTS_CONSISTENT, kFileMode, &error);
    if (!written) {
        print_error(format_text(_("failed to write the metrics to '{}'"), path));
        print_error(error->message);
        g_error_free(error);
    }
    return written;
}

}  // namespace

bool write_metrics(const ConnectionOptions& connection, const std::string& path) {
    LibvirtSession session(connection);
    if (!open_session(session)) {
        return false;
    }
    const auto domains = session.running();
    std::vector<DomainMetrics> metrics;
    if (domains) {
        for (const Domain& domain : *domains) {
            metrics.push_back(metrics_of(domain.get()));
        }
    }
    // Of a connection that was lost nothing is known, rather than that all domains are unknown.
    if (!domains || !session.is_alive()) {
        print_error(_("failed to list the domains"));
        print_error(virGetLastErrorMessage());
        return false;
    }
    // One that has ended meanwhile is none any more.
    std::size_t i = 0;
    std::erase_if(metrics, [&](const DomainMetrics&) {
        return virDomainIsActive((*domains)[i++].get()) != 1;
    });
    return write_file(path, metrics_text(metrics));
}

}  // namespace cpr::tools

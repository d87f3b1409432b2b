// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/libvirt_session.h"

#include <libvirt/virterror.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace cpr::tools {

namespace {

constexpr int kKeepaliveInterval = 5;
constexpr int kKeepaliveCount = 6;

const char* uri_to_open(const ConnectionOptions& options) {
    if (options.uri) {
        return options.uri->c_str();
    }
    const char* configured = std::getenv("VIRSH_DEFAULT_CONNECT_URI");
    return configured && *configured ? configured : nullptr;
}

std::optional<int> domain_id(const std::string& name) {
    int id = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    bool is_number = error == std::errc() && end == name.data() + name.size();
    return is_number && id >= 0 ? std::optional<int>(id) : std::nullopt;
}

}  // namespace

LibvirtSession::LibvirtSession(ConnectionOptions options) : options_(std::move(options)) {
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

bool LibvirtSession::open() {
    connection_.reset();
    connection_.reset(virConnectOpenAuth(uri_to_open(options_), virConnectAuthPtrDefault,
                                         options_.read_only ? VIR_CONNECT_RO : 0));
    if (!connection_) {
        return false;
    }
    int interval = options_.keepalive_interval.value_or(kKeepaliveInterval);
    int count = options_.keepalive_count.value_or(kKeepaliveCount);
    if (interval > 0 && virConnectSetKeepAlive(connection_.get(), interval, count) != 0) {
        virResetLastError();  // a driver without keepalive has no connection that could be lost
    }
    return true;
}

Domain LibvirtSession::find_domain(const std::string& name) {
    Domain domain;
    if (auto id = domain_id(name)) {
        domain.reset(virDomainLookupByID(connection_.get(), *id));
    }
    if (!domain && name.size() == VIR_UUID_STRING_BUFLEN - 1) {
        domain.reset(virDomainLookupByUUIDString(connection_.get(), name.c_str()));
    }
    if (!domain) {
        domain.reset(virDomainLookupByName(connection_.get(), name.c_str()));
    }
    return domain;
}

Domain LibvirtSession::find_domain(const unsigned char* uuid) {
    return Domain(virDomainLookupByUUID(connection_.get(), uuid));
}

std::optional<std::vector<Domain>> LibvirtSession::running() {
    virDomainPtr* list = nullptr;
    int count = virConnectListAllDomains(connection_.get(), &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) {
        return std::nullopt;
    }
    std::vector<Domain> domains(list, list + count);
    std::free(list);
    std::sort(domains.begin(), domains.end(), [](const Domain& one, const Domain& other) {
        return std::string_view(virDomainGetName(one.get())) < virDomainGetName(other.get());
    });
    return domains;
}

std::optional<std::vector<std::string>> LibvirtSession::running_domains() {
    const auto domains = running();
    if (!domains) {
        return std::nullopt;
    }
    std::vector<std::string> names;
    for (const Domain& domain : *domains) {
        names.emplace_back(virDomainGetName(domain.get()));
    }
    return names;
}

bool LibvirtSession::is_alive() const {
    return connection_ && virConnectIsAlive(connection_.get()) == 1;
}

}  // namespace cpr::tools

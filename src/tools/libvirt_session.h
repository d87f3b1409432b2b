// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_LIBVIRT_SESSION_H
#define CPR_TOOLS_LIBVIRT_SESSION_H

#include <libvirt/libvirt.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cpr::tools {

// How to reach libvirt, by virsh's global options.
struct ConnectionOptions {
    std::optional<std::string> uri;  // else VIRSH_DEFAULT_CONNECT_URI, else libvirt's own default
    bool read_only = false;
    std::optional<int> keepalive_interval;  // seconds, 0 for none
    std::optional<int> keepalive_count;
};

struct CloseConnection {
    void operator()(virConnectPtr connection) const { virConnectClose(connection); }
};
struct FreeDomain {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using Connection = std::unique_ptr<virConnect, CloseConnection>;
using Domain = std::unique_ptr<virDomain, FreeDomain>;

// libvirt as a tool uses it: a connection, and libvirt's habit of printing errors by itself
// switched off. For one thread; progress comes by events if there is an EventThread, which outlives
// it.
class LibvirtSession {
  public:
    explicit LibvirtSession(ConnectionOptions options);

    // Opens the connection, closing one that is open. False: virGetLastErrorMessage() says why.
    bool open();

    // Looks a domain up by id, UUID or name, in virsh's order. Empty if there is none.
    Domain find_domain(const std::string& name);
    Domain find_domain(const unsigned char* uuid);

    // All domains that run, sorted by name. Nothing if libvirt fails.
    std::optional<std::vector<Domain>> running();
    // Their names.
    std::optional<std::vector<std::string>> running_domains();

    bool is_alive() const;

  private:
    ConnectionOptions options_;
    Connection connection_;
};

}  // namespace cpr::tools

#endif

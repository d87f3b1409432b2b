// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_CHARDEV_RELAYED_DEVICE_H
#define CPR_CONTROLLER_CHARDEV_RELAYED_DEVICE_H

#include <string>

#include "base/unique_fd.h"

namespace cpr::controller {

enum class OuterKind {
    // A pseudo terminal, made anew.
    kPty,
    // A socket that waits for clients, one at a time.
    kServer,
    // A socket that is connected once, at the guest's start.
    kClient,
};

enum class IpVersion { kAny, kFour, kSix };

// A unix socket's path, or host and port of TCP.
struct SocketAddress {
    std::string path;
    std::string host;
    std::string port;
    IpVersion version = IpVersion::kAny;
    bool nodelay = false;

    bool operator==(const SocketAddress&) const = default;
};

// A connected pair of sockets, both close-on-exec.
struct StreamPair {
    UniqueFd ours;
    UniqueFd qemus;

    // Throws Error.
    static StreamPair make();
};

// A character device whose users meet the controller, and which QEMU has as one end of a pair.
struct RelayedDevice {
    std::string id;
    OuterKind kind = OuterKind::kPty;
    // Several front ends share it; QEMU then keeps it under a name of its own.
    bool mux = false;
    StreamPair pair;
    // A socket that libvirt passed, listening or connected; empty if it is to be opened.
    UniqueFd passed;
    // Of a pty: the path of a symbolic link to it, if one is wanted.
    SocketAddress address;

    // Under which query-chardev lists it.
    std::string label() const { return mux ? id + "-base" : id; }
};

}  // namespace cpr::controller

#endif

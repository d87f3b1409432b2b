// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/chardev/frontends.h"

#include <fmt/core.h>

#include <array>

namespace cpr::controller {
namespace {

using qemu::Option;

constexpr std::string_view kDescriptors = N_("passes descriptors over it, which a relay cannot");
constexpr std::string_view kGreeting =
    N_("begins anew with each client, which a relay hides from it");

// An option that names a character device by "chardev"; `kind` is the key of its type, and a type
// is meant by how it begins.
struct Frontend {
    std::string_view option;
    std::string_view kind;
    std::string_view type;
    std::string_view reason;
};

constexpr std::array kFrontends{
    Frontend{"netdev", "type", "vhost-user", kDescriptors},
    Frontend{"device", "driver", "vhost-user", kDescriptors},
    Frontend{"device", "driver", "ivshmem", kDescriptors},
    Frontend{"object", "qom-type", "cryptodev-vhost-user", kDescriptors},
    Frontend{"tpmdev", "type", "emulator", kDescriptors},
    Frontend{"device", "driver", "usb-redir", kGreeting},
    Frontend{"device", "driver", "ccid-card-passthru", kGreeting},
    Frontend{"object", "qom-type", "monitor-", kGreeting},
    Frontend{"mon", {}, {}, kGreeting},
};

bool uses(const Option& option, const Frontend& frontend, std::string_view id) {
    return option.value("chardev") == id &&
           (frontend.kind.empty() || option.value(frontend.kind).starts_with(frontend.type));
}

}  // namespace

Text reason_against_relay(const qemu::ArgumentModel& line, std::string_view id) {
    for (const Frontend& frontend : kFrontends)
        for (const Option* option : line.all(frontend.option))
            if (uses(*option, frontend, id))
                return Text("-{} {} {}", frontend.option,
                            frontend.kind.empty() ? id : option->value(frontend.kind),
                            Text(frontend.reason));
    for (const char* name : {"gdb", "monitor", "qmp", "qmp-pretty"})
        for (const Option* option : line.all(name))
            if (option->argument() == fmt::format("chardev:{}", id))
                return Text("-{} {}", name, Text(kGreeting));
    return {};
}

}  // namespace cpr::controller

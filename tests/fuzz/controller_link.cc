// SPDX-License-Identifier: LGPL-2.1-or-later
// What a VMM sends to its controller, which relays it to libvirt: the input is the VMM's side,
// after it was given four commands, one of which a new binary's greeting answers. The first byte
// says whether a switch is under way.
#include <sys/socket.h>
#include <sys/un.h>

#include <nlohmann/json.hpp>

#include "controller/relay.h"
#include "fuzz/fuzz.h"

namespace {

using namespace cpr;
using namespace cpr::controller;

UniqueFd listener() {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // The kernel chooses an abstract name.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address.sun_family)) < 0 ||
        listen(fd.get(), 1) < 0)
        std::abort();
    return fd;
}

UniqueFd connected_to(int listening) {
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
        connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) < 0)
        std::abort();
    return fd;
}

void run(fuzz::Input input) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        std::abort();
    const UniqueFd vmm(pair[0]);
    EventLoop loop;
    int answers = 0;
    bool closed = false;
    std::optional<Relay> relay;
    VmmLink link(
        loop, UniqueFd(pair[1]),
        {[](const nlohmann::json&) {}, [&](Message event) { relay->on_event(std::move(event)); },
         [&](const std::string&) { closed = true; }});
    UniqueFd listening = listener();
    const UniqueFd client = connected_to(listening.get());
    relay.emplace(loop, std::move(listening), link);
    relay->start({{"QMP", {{"version", {}}, {"capabilities", {}}}}});
    constexpr std::string_view kCommands =
        R"({"execute": "qmp_capabilities"}{"execute": "query-commands", "id": 1}{"execute": "x"})";
    (void)!send(client.get(), kCommands.data(), kCommands.size(), MSG_NOSIGNAL);
    for (int i = 0; i < 3; ++i)
        loop.iterate(false);
    const auto count = [&](const Message& answer) {
        fuzz::require(answer.body.contains("return") || answer.body.contains("error"),
                      "an answer is one");
        ++answers;
    };
    link.send({{{"execute", "query-cpr"}}, {}}, count);
    link.exec({{{"execute", "cpr-exec"}}, {}}, count);
    if ((input.byte() & 1) != 0)
        relay->begin_switch();
    const auto bytes = input.rest();
    (void)!send(vmm.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(vmm.get(), SHUT_WR);
    while (!closed)
        loop.iterate(true);
    fuzz::require(answers == 2, "every command is answered once");
    relay->close();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::run_without_leak(run, data, size);
}

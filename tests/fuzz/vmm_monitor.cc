// SPDX-License-Identifier: LGPL-2.1-or-later
// What a client sends to the monitor of a VMM without a guest: the first byte says whether it has
// negotiated, and whether a descriptor comes along.
#include <sys/socket.h>

#include "fuzz/fuzz.h"
#include "vmm/vmm.h"

namespace {

using namespace cpr;
using namespace cpr::vmm;

constexpr std::string_view kNegotiation = R"({"execute": "qmp_capabilities"})";

CommandLine probe(int monitor) {
    CommandLine line;
    line.action = CommandLine::Action::kProbe;
    ChardevConfig chardev;
    chardev.id = "c";
    chardev.type = ChardevConfig::Type::kSocket;
    chardev.fd = monitor;
    line.machine.chardevs.push_back(chardev);
    line.machine.monitors.push_back({"m", "c"});
    return line;
}

void send_fd(int socket) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    char blank = ' ';
    iovec part{&blank, 1};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(rights)) = STDERR_FILENO;
    sendmsg(socket, &header, MSG_NOSIGNAL);
}

void run(fuzz::Input input) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        std::abort();
    const UniqueFd client(pair[0]);
    const uint8_t how = input.byte();
    Vmm vmm(probe(pair[1]), "9.9");
    if ((how & 1) != 0)
        (void)!send(client.get(), kNegotiation.data(), kNegotiation.size(), MSG_NOSIGNAL);
    if ((how & 2) != 0)
        send_fd(client.get());
    const auto bytes = input.rest();
    (void)!send(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // At the end of the file it ends, if it was not told to before.
    shutdown(client.get(), SHUT_WR);
    vmm.run();
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return fuzz::run_without_leak(run, data, size);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/exec_prefix.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "controller/child_exec.h"
#include "controller/command_line.h"
#include "controller/fd_message.h"
#include "controller/launch.h"
#include "controller/qemu/exec_messages.h"

namespace cpr::controller::qemu {
namespace {

// The controller ends a process that takes too long, and it knows how long that is.
constexpr std::chrono::milliseconds kForEver(-1);
constexpr size_t kPart = 200;

struct DirClose {
    void operator()(DIR* folder) const { closedir(folder); }
};

std::vector<int> open_descriptors() {
    const std::unique_ptr<DIR, DirClose> folder(opendir("/proc/self/fd"));
    if (!folder)
        throw errno_error("list this process's descriptors");
    std::vector<int> found;
    while (const dirent* entry = readdir(folder.get()))
        if (const int fd = atoi(entry->d_name); fd >= 3 && fd != dirfd(folder.get()))
            found.push_back(fd);
    std::ranges::sort(found);
    return found;
}

UniqueFd connect_to(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path))
        throw Error(ErrorCode::kInvalidArgument, "the path '{}' is too long", path);
    memcpy(address.sun_path, path.c_str(), path.size());
    if (!socket ||
        connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0)
        throw errno_error("connect to '{}'", path);
    return socket;
}

void send_descriptors(int socket, const std::vector<int>& numbers, int table) {
    for (size_t begin = 0;; begin += kPart) {
        ExecMessage part;
        const size_t end = std::min(begin + kPart, numbers.size());
        part.numbers.assign(numbers.begin() + static_cast<ptrdiff_t>(begin),
                            numbers.begin() + static_cast<ptrdiff_t>(end));
        if (end == numbers.size())
            part.table = table;
        send_message(socket, to_text(part), part.numbers);
        if (end == numbers.size())
            return;
    }
}

struct Order {
    std::vector<int> keep;
    // What arrived, and the number that it is to have.
    std::vector<UniqueFd> fds;
    std::vector<std::pair<int, int>> placed;
    UniqueFd program;
    std::vector<std::string> arguments;
};

void check(const Order& order, const std::vector<int>& present) {
    for (const int number : order.keep)
        if (std::ranges::find(present, number) == present.end())
            throw Error(ErrorCode::kInvalidArgument, "descriptor {} is to be kept and is not there",
                        number);
    for (const auto& [from, to] : order.placed)
        if (std::ranges::find(order.keep, to) != order.keep.end())
            throw Error(ErrorCode::kInvalidArgument, "descriptor {} is to be kept and replaced",
                        to);
    if (order.arguments.empty())
        throw Error(ErrorCode::kInvalidArgument, "the command line is empty");
}

Order receive_order(int socket) {
    Order order;
    for (ExecMessage message; !message.run;) {
        FdMessage received = receive_message(socket, kForEver);
        message = parse_exec_message(received.text, received.fds.size());
        for (size_t i = 0; i < message.numbers.size(); ++i)
            order.placed.emplace_back(received.fds[i].get(), message.numbers[i]);
        if (message.run) {
            order.keep = message.keep;
            const auto text =
                read_all(received.fds.back().get(), kMaxArguments, "the command line");
            order.arguments = split_arguments({text.begin(), text.end()});
            received.fds.pop_back();
            order.program = std::move(received.fds.back());
            received.fds.pop_back();
        }
        for (UniqueFd& fd : received.fds)
            order.fds.push_back(std::move(fd));
    }
    return order;
}

// The socket's and the program's numbers may change.
void arrange_descriptors(const Order& order, int& socket, int& program) {
    std::vector<int> spare(order.placed.size());
    const std::array<int*, 2> own{&socket, &program};
    if (!place_descriptors(order.placed, spare, own))
        throw errno_error("give descriptors their numbers");
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        throw errno_error("close descriptors");
    for (const int fd : order.keep)
        set_cloexec(fd, false);
    for (const auto& [from, to] : order.placed)
        set_cloexec(to, false);
}

[[noreturn]] void execute(Order order, int& socket) {
    int program = order.program.get();
    const std::vector<char*> argv = argument_pointers(order.arguments);
    arrange_descriptors(order, socket, program);
    execveat(program, "", argv.data(), environ, AT_EMPTY_PATH);
    const Error error = errno_error("execute '{}'", order.arguments.front());
    // Their numbers may be others' by now.
    for (UniqueFd& fd : order.fds)
        fd.release();
    order.program.release();
    throw error;
}

}  // namespace

void become_next_qemu(const std::string& path) {
    const char* table = getenv(kTableVariable);
    if (!table)
        throw Error(ErrorCode::kInvalidArgument,
                    "{} is not set: QEMU starts this program, nobody else", kTableVariable);
    const std::vector<int> present = open_descriptors();
    int socket = connect_to(path).release();
    try {
        send_descriptors(socket, present, parse_descriptor(table));
        Order order = receive_order(socket);
        check(order, present);
        execute(std::move(order), socket);
    } catch (const Error& error) {
        ExecMessage answer;
        answer.error = error.message();
        send_message(socket, to_text(answer));
        throw;
    }
}

}  // namespace cpr::controller::qemu

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/controller/support.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/binary_info.h"

namespace cpr::controller {

using nlohmann::json;

std::pair<UniqueFd, UniqueFd> socket_pair() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

}  // namespace

UniqueFd listen_at(const std::string& path) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd.get(), 8), 0);
    return fd;
}

UniqueFd connect_to(const std::string& path) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return fd;
}

TestFolder::TestFolder() {
    std::string name = testing::TempDir() + "cpr-controller-XXXXXX";
    path_ = mkdtemp(name.data());
}

TestFolder::~TestFolder() {
    std::filesystem::remove_all(path_);
}

std::string TestFolder::program(const std::string& name) const {
    std::filesystem::copy_file(TESTS_BUILDDIR "/info_program", path(name));
    return path(name);
}

std::string TestFolder::file(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    return path(name);
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::shared_ptr<const VmmProcess> start_bystander() {
    const Binary sleep = open_binary("/bin/sleep");
    ProcessSpec spec;
    spec.binary = sleep.fd.get();
    spec.arguments = {"sleep", "1000"};
    return std::make_shared<const VmmProcess>(start_process(spec));
}

void LoopTest::run_until(const std::function<bool()>& condition) {
    bool late = false;
    const EventSource limit = loop_.after(std::chrono::seconds(60), [&late] { late = true; });
    while (!condition() && !late)
        loop_.iterate(true);
    ASSERT_FALSE(late);
}

void LoopTest::settle() {
    for (int i = 0; i < 50; ++i)
        loop_.iterate(false);
}

FakeVmm::FakeVmm(EventLoop& loop, UniqueFd socket)
    : connection_(std::make_unique<qmp::Connection>(
          loop, std::move(socket),
          qmp::Connection::Handlers{[this](json message, std::vector<UniqueFd> got) {
                                        std::ranges::move(got, std::back_inserter(fds));
                                        on_message(std::move(message));
                                    },
                                    [](const std::string&) {}})) {
    returns("qmp_capabilities", json::object());
}

void FakeVmm::greet(const std::string& version) {
    send({{"QMP", {{"version", version}, {"capabilities", {"oob"}}}}});
}

void FakeVmm::send(const json& message, std::vector<int> with) {
    if (connection_)
        connection_->send(message, with);
}

void FakeVmm::event(const std::string& name, json data) {
    send({{"event", name}, {"data", std::move(data)}});
}

void FakeVmm::on(const std::string& command, Handler handler) {
    handlers_[command] = std::move(handler);
}

void FakeVmm::returns(const std::string& command, json value) {
    on(command, [value](const json&) { return json{{"return", value}}; });
}

void FakeVmm::fails(const std::string& command, const std::string& code, const std::string& text) {
    on(command, [=](const json&) {
        return json{{"error", {{"class", "GenericError"}, {"desc", text}, {"code", code}}}};
    });
}

void FakeVmm::answer(const json& command, json reply) {
    if (command.contains("id"))
        reply["id"] = command["id"];
    send(reply);
}

void FakeVmm::on_message(json message) {
    commands.push_back(message);
    const auto handler = handlers_.find(message.value("execute", ""));
    if (handler == handlers_.end())
        return;
    if (auto reply = handler->second(message))
        answer(message, std::move(*reply));
}

size_t FakeVmm::count(const std::string& command) const {
    return static_cast<size_t>(std::ranges::count(names(), command));
}

std::vector<std::string> FakeVmm::names() const {
    std::vector<std::string> result;
    for (const json& command : commands)
        result.push_back(command.value("execute", ""));
    return result;
}

FakeClient::FakeClient(EventLoop& loop, UniqueFd socket)
    : connection_(loop, std::move(socket),
                  {[this](json message, std::vector<UniqueFd> got) {
                       messages.push_back(std::move(message));
                       std::ranges::move(got, std::back_inserter(fds));
                   },
                   [this](const std::string&) { closed_ = true; }}) {}

void FakeClient::send(const json& message, std::vector<int> with) {
    connection_.send(message, with);
}

void FakeClient::command(const std::string& name, json id, json arguments) {
    json message{{"execute", name}};
    if (!id.is_null())
        message["id"] = std::move(id);
    if (!arguments.empty())
        message["arguments"] = std::move(arguments);
    send(message);
}

std::optional<json> FakeClient::answer(const json& id) const {
    for (const json& message : messages)
        if (message.contains("id") && message["id"] == id)
            return message;
    return std::nullopt;
}

size_t FakeClient::events(const std::string& name) const {
    return static_cast<size_t>(std::ranges::count_if(messages, [&](const json& message) {
        return message.contains("event") && message["event"] == name;
    }));
}

}  // namespace cpr::controller

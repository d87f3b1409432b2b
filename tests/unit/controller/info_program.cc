// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for programs that the controller runs. What it does goes by the name under which it is
// started, so that a test needs only copies of it.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/io.h"
#include "state/entry_gate.h"

namespace {

using namespace cpr;
using nlohmann::json;

void print_info(const char* name, const char* version, int format, int section,
                const char* features = "") {
    std::printf(
        R"({"name": "%s", "version": "%s", "state-format": %d, "machine-types": ["pc-q35-8.2"],
            "sections": [{"kind": "serial16550", "version": %d, "min-version": %d}],
            "features": [%s]})",
        name, version, format, section, section, features);
}

// Lists the open descriptors with what they are.
void list_fds(std::FILE* out) {
    DIR* folder = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(folder)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(folder) || fd == fileno(out))
            continue;
        char target[256] = {};
        const std::string link = std::string("/proc/self/fd/") + entry->d_name;
        if (readlink(link.c_str(), target, sizeof(target) - 1) < 0)
            continue;
        std::fprintf(out, "%d %s\n", fd, target);
    }
    closedir(folder);
}

// Tells where a program finds itself, in the folder that the environment names.
int report(const std::string& name, int argc, char** argv) {
    const std::string path = std::string(std::getenv("REPORT_FOLDER")) + "/" + name;
    std::FILE* out = std::fopen((path + ".tmp").c_str(), "w");
    std::fprintf(out, "pid %d parent %d session %d\n", getpid(), getppid(), getsid(0));
    for (int i = 0; i < argc; ++i)
        std::fprintf(out, "argument %s\n", argv[i]);
    list_fds(out);
    std::fclose(out);
    std::rename((path + ".tmp").c_str(), path.c_str());
    return 0;
}

int misbehave(const std::string& name) {
    if (name == "hang")
        pause();
    if (name == "flood")
        for (;;)
            std::puts("flood");
    if (name == "crash")
        std::raise(SIGSEGV);
    if (name == "garbage")
        std::puts("\x1b[31m garbage");
    if (name == "children" && fork() == 0)
        pause();
    if (name == "fds")
        list_fds(stdout);
    if (name == "children")
        print_info("cpr-vmm", "1", 1, 1);
    if (name == "fails") {
        std::fputs("no such luck\n", stderr);
        return 3;
    }
    return 0;
}

json member(const std::vector<uint8_t>& table, const char* name) {
    for (const json& entry : json::parse(table))
        if (entry["name"] == name)
            return entry["fd"];
    return nullptr;
}

bool holds(int fd, const std::string& text) {
    const auto content = read_all(fd, 1 << 20, "a copy");
    return std::string(content.begin(), content.end()) == text;
}

// A new VMM before the update: it has the copies that the test's VMM gave out, and nothing else.
int rehearse(const std::string& name, int argc, char** argv) {
    if (name == "rehearse-crashes")
        std::raise(SIGSEGV);
    if (name == "rehearse-hangs")
        pause();
    if (name == "rehearse-silent")
        return 0;
    if (name == "rehearse-garbage") {
        std::puts("\x1b[31m rehearsed");
        return 0;
    }
    if (name == "rehearse-tells") {
        std::puts(
            R"({"desc": "section 'x': no such luck", "desc-parts": {"template": "section '{}': {}",
            "arguments": ["x", {"template": "no such luck"}]}})");
        return 1;
    }
    if (name == "rehearse-fails") {
        std::fputs("cpr-vmm: state section 'x': no such luck\n", stderr);
        return 1;
    }
    int table = -1;
    int state = -1;
    if (std::sscanf(argv[argc - 1], "fd=%d,rehearse=%d", &table, &state) != 2)
        return 5;
    for (int fd = 3; fd < 256; ++fd)
        if (fd != table && fd != state && fcntl(fd, F_GETFD) >= 0)
            return 6;
    if (argc != 4 || std::string(argv[1]) != "-S")
        return 7;
    if (!holds(table, "table") || !holds(state, "state"))
        return 8;
    std::puts("rehearsed");
    return 0;
}

// A VMM that was started on a state: does on its monitor what the old binary does in a rollback.
int continue_guest(const std::string& name, const std::string& option) {
    const int table_fd = std::atoi(option.c_str() + strlen("fd="));
    const auto table = read_all(table_fd, 1 << 20, "the table");
    state::EntryGate gate(member(table, "entry-gate"));
    std::FILE* monitor = fdopen(member(table, "monitor-charmonitor").get<int>(), "r+");
    const auto say = [&](const json& message) {
        const std::string text = message.dump() + "\n";
        [[maybe_unused]] const auto n = write(fileno(monitor), text.data(), text.size());
    };
    if (name == "old-fails")
        return 1;
    say({{"QMP", {{"version", "again"}, {"capabilities", json::array()}}}});
    char line[4096];
    while (std::fgets(line, sizeof(line), monitor)) {
        const json command = json::parse(line);
        const std::string verb = command["execute"];
        if (verb == "cont")
            gate.enter();
        if (verb == "query-cpr")
            say({{"return", {{"state", "none"}, {"was-running", true}}}, {"id", command["id"]}});
        else if (verb == "query-status")
            say({{"return", {{"status", "running"}, {"running", true}}}, {"id", command["id"]}});
        else
            say({{"return", json::object()}, {"id", command["id"]}});
    }
    return 0;
}

// Four threads that only are there; their numbers are written to a file.
int have_threads(const char* path) {
    std::mutex lock;
    std::ofstream file(path);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            {
                const std::scoped_lock held(lock);
                file << gettid() << '\n' << std::flush;
            }
            pause();
        });
    for (std::thread& thread : threads)
        thread.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string path(argv[0]);
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name == "threads" && argc == 2)
        return have_threads(argv[1]);
    if (argc == 2 && std::string(argv[1]) == "--version") {
        std::puts(name == "qemu" ? "QEMU emulator version 11.1.3 (of a test)" : "somebody 1");
        return 0;
    }
    if (name == "vmm" || name == "qemu" || name == "controller")
        return report(name, argc, argv);
    if (argc > 2 && std::string(argv[argc - 1]).find("rehearse=") != std::string::npos)
        return rehearse(name, argc, argv);
    if (argc > 2 && std::string(argv[argc - 2]) == "-cpr")
        return continue_guest(name, argv[argc - 1]);
    if (argc != 2 || std::string(argv[1]) != "--info")
        return 2;
    if (name == "old-unrehearsed")
        print_info("cpr-vmm", "0.0.9", 1, 1);
    else if (name.starts_with("old"))
        print_info("cpr-vmm", "0.1.0", 1, 1, R"("rehearsal")");
    else if (name == "new" || name.starts_with("rehearse-"))
        print_info("cpr-vmm", "0.1.0+next", 1, 1, R"("another", "rehearsal")");
    else if (name == "other-name")
        print_info("frobnicator", "7", 1, 1);
    else if (name == "other-format")
        print_info("cpr-vmm", "9", 2, 1);
    else if (name == "other-section")
        print_info("cpr-vmm", "9", 1, 2);
    else
        return misbehave(name);
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// Each test confines a child process, which tries what it may and what it may not do.
#include "vmm/sandbox/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <poll.h>
#include <seccomp.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.h"
#include "vmm/sandbox/syscall_groups.h"

extern char** environ;

namespace cpr::vmm {
namespace {

// As libvirt asks for it.
constexpr SandboxOptions kAll{true, true, true, true, true};

// Runs `body` in a child. It returns the line of the expectation that does not hold, or 0.
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        int failed = 255;
        try {
            failed = body();
        } catch (const Error& error) {
            fprintf(stderr, "%s\n", error.what());
        }
        _exit(failed);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
}

#define REQUIRE(condition)         \
    do {                           \
        if (!(condition))          \
            return __LINE__ % 255; \
    } while (false)

bool is_denied(long result) {
    return result == -1 && errno == EPERM;
}

long exec_true(int fd) {
    char name[] = "true";
    char* argv[] = {name, nullptr};
    return execveat(fd, "", argv, environ, AT_EMPTY_PATH);
}

int open_true() {
    return open("/bin/true", O_PATH | O_CLOEXEC);
}

int spawn_true() {
    char name[] = "true";
    char* argv[] = {name, nullptr};
    pid_t pid = -1;
    return posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ);
}

TEST(Sandbox, DeniesProcessesAndProgramsButNoThreads) {
    EXPECT_EQ(in_child([] {
                  const Confinement confinement = confine(kAll, false);
                  REQUIRE(confinement.exec == ExecRight::kDenied && !confinement.listener);
                  REQUIRE(is_denied(syscall(SYS_fork)));
                  REQUIRE(is_denied(syscall(SYS_vfork)));
                  REQUIRE(is_denied(fork()));
                  REQUIRE(is_denied(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
                  REQUIRE(spawn_true() == EPERM);
                  REQUIRE(is_denied(execl("/bin/true", "true", nullptr)));
                  REQUIRE(is_denied(exec_true(open_true())));
                  bool ran = false;
                  std::thread([&ran] { ran = true; }).join();
                  REQUIRE(ran);
                  return 0;
              }),
              0);
}

TEST(Sandbox, HoldsInEachThreadAndForGood) {
    EXPECT_EQ(in_child([] {
                  confine(kAll, false);
                  bool denied = false;
                  std::thread([&denied] { denied = is_denied(exec_true(open_true())); }).join();
                  REQUIRE(denied);
                  std::ifstream status("/proc/thread-self/status");
                  const std::string text(std::istreambuf_iterator<char>(status), {});
                  REQUIRE(text.find("\nSeccomp:\t2\n") != std::string::npos);
                  REQUIRE(text.find("\nNoNewPrivs:\t1\n") != std::string::npos);
                  return 0;
              }),
              0);
}

TEST(Sandbox, DeniesWhatItsOptionsName) {
    EXPECT_EQ(in_child([] {
                  confine(kAll, false);
                  REQUIRE(is_denied(setuid(1)));
                  REQUIRE(is_denied(setsid()));
                  REQUIRE(is_denied(setpriority(PRIO_PROCESS, 0, 19)));
                  rlimit limit{};
                  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
                  REQUIRE(is_denied(setrlimit(RLIMIT_NOFILE, &limit)));
                  REQUIRE(is_denied(syscall(SYS_ptrace, 0, 0, 0, 0)));
                  REQUIRE(is_denied(syscall(SYS_ustat, 0, 0)));
                  REQUIRE(is_denied(kill(getpid(), 0)));
                  return 0;
              }),
              0);
}

TEST(Sandbox, AllowsWhatItsOptionsLeaveOut) {
    EXPECT_EQ(in_child([] {
                  REQUIRE(confine({.on = true}, true).exec == ExecRight::kFree);
                  REQUIRE(setpriority(PRIO_PROCESS, 0, 19) == 0);
                  REQUIRE(setuid(getuid()) == 0);
                  REQUIRE(is_denied(syscall(SYS_ptrace, 0, 0, 0, 0)));
                  const pid_t child = fork();
                  if (child == 0)
                      exec_true(open_true());
                  int status = -1;
                  REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
                  return 0;
              }),
              0);
}

TEST(Sandbox, OffIsNone) {
    EXPECT_EQ(
        in_child([] {
            REQUIRE(confine({.on = false, .deny_spawn = true}, true).exec == ExecRight::kFree);
            REQUIRE(fork() >= 0);
            return 0;
        }),
        0);
}

// What a filter lists has to exist for the library, and each group is in force by itself.
TEST(Sandbox, EverySystemCallOfItsListsIsDenied) {
    for (const auto& group : {foreign_syscalls(), obsolete_syscalls(), privilege_syscalls(),
                              resource_syscalls(), spawn_syscalls()})
        for (const char* name : group)
            EXPECT_EQ(in_child([name] {
                          confine(kAll, true);
                          const int number = seccomp_syscall_resolve_name(name);
                          REQUIRE(number >= 0);
                          REQUIRE(is_denied(syscall(number, -1, -1, -1, -1, -1, -1)));
                          return 0;
                      }),
                      0)
                << name;
}

// Answers the next question on a listener.
void answer(int listener, int error) {
    seccomp_notif* request = nullptr;
    seccomp_notif_resp* response = nullptr;
    seccomp_notify_alloc(&request, &response);
    pollfd wait{listener, POLLIN, 0};
    if (poll(&wait, 1, 10'000) == 1 && seccomp_notify_receive(listener, request) == 0) {
        response->id = request->id;
        response->error = error;
        response->flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        seccomp_notify_respond(listener, response);
    }
    seccomp_notify_free(request, response);
}

TEST(Sandbox, ExecutesWhatTheListenerAllowsAndNothingElse) {
    EXPECT_EQ(in_child([] {
                  Confinement confinement = confine(kAll, true);
                  REQUIRE(confinement.exec == ExecRight::kByOrder);
                  const int listener = confinement.listener.get();
                  REQUIRE(fcntl(listener, F_GETFD) == FD_CLOEXEC);
                  std::thread no([listener] { answer(listener, -EPERM); });
                  REQUIRE(is_denied(exec_true(open_true())));
                  no.join();
                  REQUIRE(is_denied(execl("/bin/true", "true", nullptr)));
                  std::thread yes([listener] { answer(listener, 0); });
                  exec_true(open_true());
                  return 254;
              }),
              0);
}

// A program that has come by an update finds the filter of its predecessor, whatever its own
// command line says; here it is the same process.
TEST(Sandbox, IsFoundOutFromTheProcess) {
    for (const bool has_controller : {false, true})
        EXPECT_EQ(in_child([has_controller] {
                      const Confinement first = confine(kAll, has_controller);
                      const Confinement second = confine(kAll, !has_controller);
                      REQUIRE(second.exec == first.exec && !second.listener);
                      REQUIRE(confine({}, true).exec == first.exec);
                      return 0;
                  }),
                  0);
}

// What a container's runtime does before it starts a program, so without the library.
bool load_filter_of_container(uint32_t action) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(program), program};
    const bool notifies = action == SECCOMP_RET_USER_NOTIF;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &filter) >= 0;
}

// It is not taken for ours, and a listener of its own stands in the way of ours.
TEST(Sandbox, StandsBesideTheFilterOfAContainer) {
    EXPECT_EQ(in_child([] {
                  REQUIRE(load_filter_of_container(SECCOMP_RET_ERRNO | EPERM));
                  REQUIRE(confine(kAll, true).exec == ExecRight::kByOrder);
                  REQUIRE(is_denied(fork()));
                  return 0;
              }),
              0);
    EXPECT_EQ(in_child([] {
                  REQUIRE(load_filter_of_container(SECCOMP_RET_USER_NOTIF));
                  REQUIRE(confine(kAll, true).exec == ExecRight::kDenied);
                  REQUIRE(is_denied(fork()));
                  return 0;
              }),
              0);
}

}  // namespace
}  // namespace cpr::vmm

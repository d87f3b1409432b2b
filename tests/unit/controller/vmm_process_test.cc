// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vmm_process.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "controller/binary_info.h"
#include "unit/controller/confined.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

// The status of a shell that is started with these limits.
int run_shell(const std::string& script, ResourceLimits limits = {}) {
    const Binary shell = open_binary("/bin/sh");
    ProcessSpec spec;
    spec.binary = shell.fd.get();
    spec.arguments = {"sh", "-c", script};
    spec.limits = std::move(limits);
    const VmmProcess process = start_process(spec);
    int status = -1;
    waitpid(static_cast<pid_t>(process.pid), &status, 0);
    return status;
}

TEST(VmmProcess, GetsTheLimitsThatItIsGiven) {
    EXPECT_EQ(run_shell("test $(ulimit -n) = 301", {{RLIMIT_NOFILE, {301, 400}}}), 0);
}

TEST(VmmProcess, GetsAsMuchAsWeMayGive) {
    EXPECT_TRUE(in_a_confined_process(RLIMIT_NOFILE, 300, [] {
        return run_shell("test $(ulimit -n) = 300", {{RLIMIT_NOFILE, {400, 500}}}) == 0;
    }));
}

// Who brings the guest back is confined as its parent is, and so as the VMM was.
TEST(VmmProcess, HasUserCapabilitiesAndNamespacesOfItsParent) {
    const TestFolder folder;
    const std::string look =
        "{ grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/self/status; "
        "readlink /proc/self/ns/*; cat /proc/self/cgroup; } >";
    EXPECT_TRUE(in_a_confined_process(RLIMIT_NOFILE, 300, [&] {
        return system((look + folder.path("parent")).c_str()) == 0 &&
               run_shell(look + folder.path("child")) == 0;
    }));
    const std::string confinement = read_file(folder.path("parent"));
    EXPECT_NE(confinement.find("CapEff:\t0000000000000000"), std::string::npos) << confinement;
    EXPECT_EQ(read_file(folder.path("child")), confinement);
}

}  // namespace
}  // namespace cpr::controller

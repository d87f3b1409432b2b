// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "controller/qemu/exec_prefix.h"

int main(int argc, char** argv) {
    try {
        if (argc != 2)
            throw cpr::Error(cpr::ErrorCode::kInvalidArgument,
                             "expected one argument: a QEMU that is updated starts this program, "
                             "nobody else");
        cpr::controller::qemu::become_next_qemu(argv[1]);
    } catch (const std::exception& error) {
        cpr::log::error("{}", error.what());
        return EXIT_FAILURE;
    }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <libintl.h>

#include <clocale>
#include <cstdio>
#include <exception>

#include "config.h"
#include "controller/emulators_tool.h"

int main(int argc, char** argv) {
    using namespace cpr::controller;
    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);
    try {
        return EmulatorsTool(EmulatorConfig(), {BINDIR, "/usr/local/bin", "/usr/bin"},
                             BINDIR "/virt-cpr-emulator")
            .run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, gettext("error: %s\n"), error.what());
        return 1;
    }
}

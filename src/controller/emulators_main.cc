// SPDX-License-Identifier: LGPL-2.1-or-later
#include <clocale>
#include <cstdio>
#include <exception>

#include "base/error.h"
#include "base/text_translation.h"
#include "base/translate.h"
#include "controller/emulators_tool.h"

int main(int argc, char** argv) {
    using namespace cpr::controller;
    setlocale(LC_ALL, "");
    try {
        return EmulatorsTool(EmulatorConfig(), {BINDIR, "/usr/local/bin", "/usr/bin"},
                             BINDIR "/virt-cpr-emulator")
            .run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(
            stderr, "%s\n",
            cpr::format_text(_("error: {}"), cpr::translation_of(cpr::text_of(error))).c_str());
        return 1;
    }
}

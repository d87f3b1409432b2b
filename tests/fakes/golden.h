// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FAKES_GOLDEN_H
#define CPR_TESTS_FAKES_GOLDEN_H

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "state/versions.h"

namespace cpr::state {

// Compares a state as it is written with the golden file of its kind and version, and reads the
// file back: what a released version wrote must be understood for ever. A new version gets a new
// file (CPR_WRITE_GOLDEN=1 writes those that are missing); an existing one never changes. A type
// that is written in several versions is compared with each, by a state that needs it.
template <Fielded State>
void expect_golden(const State& state) {
    const std::string path =
        fmt::format("{}/golden/{}.v{}", TESTS_SRCDIR, State::kKind, version_needed(state));
    const std::vector<uint8_t> bytes = write_payload(state);
    std::string text;
    for (size_t i = 0; i < bytes.size(); ++i)
        text += fmt::format("{:02x}{}", bytes[i], i % 32 == 31 ? "\n" : "");
    text += '\n';
    if (std::getenv("CPR_WRITE_GOLDEN") && !std::ifstream(path))
        std::ofstream(path) << text;
    std::ifstream file(path);
    ASSERT_TRUE(file) << path << " is missing";
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(golden.str(), text) << State::kKind
                                  << ": the layout changed without a new version number";
    // On the heap: g++ 12 warns of optional members of a local one.
    const auto read = std::make_unique<State>();
    InSection in(version_needed(state), bytes);
    State::fields(*read, in);
    in.finish();
    EXPECT_EQ(write_payload(*read), bytes) << State::kKind;
}

}  // namespace cpr::state

#endif

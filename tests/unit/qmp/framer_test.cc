// SPDX-License-Identifier: LGPL-2.1-or-later
#include "qmp/framer.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cpr::qmp {
namespace {

TEST(Framer, CutsObjectsWhateverTheChunks) {
    const std::string stream = R"({"a": "}{\"" })"
                               "\r\n"
                               R"({"b":[{}]}{"c":1})";
    Framer framer;
    std::vector<std::string> messages;
    for (const char c : stream) {
        framer.append({&c, 1});
        while (auto message = framer.next())
            messages.push_back(*message);
    }
    EXPECT_EQ(messages,
              (std::vector<std::string>{R"({"a": "}{\"" })", R"({"b":[{}]})", R"({"c":1})"}));
}

TEST(Framer, RefusesWhatIsNoObject) {
    Framer framer;
    framer.append("  [1]");
    EXPECT_THROW(framer.next(), Error);
}

TEST(Framer, RefusesDeepNesting) {
    Framer framer;
    framer.append("{" + std::string(Framer::kMaxDepth, '['));
    EXPECT_THROW(framer.next(), Error);
}

TEST(Framer, RefusesEndlessMessages) {
    Framer framer;
    framer.append("{\"" + std::string(Framer::kMaxMessage, 'x'));
    EXPECT_THROW(framer.next(), Error);
}

}  // namespace
}  // namespace cpr::qmp

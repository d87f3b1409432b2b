// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/virsh_help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/update_words.h"

namespace cpr::tools {
namespace {

using testing::HasSubstr;

const char* const kListing =
    " Domain Management (help keyword 'domain'):\n"
    "    update-device                  update device from an XML file\n"
    "    update-memory-device           update memory device of a domain\n"
    "\n";

TEST(Listing, GetsUpdateInPlaceAtItsPlaceInTheAlphabet) {
    EXPECT_EQ(
        with_update_listed(kListing),
        " Domain Management (help keyword 'domain'):\n"
        "    update-device                  update device from an XML file\n"
        "    update-in-place                update the virtual machine monitor of a domain in "
        "place\n"
        "    update-memory-device           update memory device of a domain\n"
        "\n");
}

TEST(Listing, ThatIsNoneIsKept) {
    for (const char* text :
         {"", "no newline", "  NAME\n    update-device - update device\n", "\n\n"}) {
        EXPECT_EQ(with_update_listed(text), text);
    }
}

TEST(UpdateHelp, NamesEveryOption) {
    std::string help = update_help();
    for (const std::string& name : update_option_names()) {
        if (name != "help") {  // as virsh, which does not list it either
            EXPECT_THAT(help, HasSubstr("--" + name)) << name;
        }
    }
}

TEST(Completion, OffersTheCommandForItsBeginning) {
    EXPECT_EQ(update_completions({"up"}), "update-in-place\n");
    EXPECT_EQ(update_completions({"update-in-place"}), "update-in-place\n");
    EXPECT_EQ(update_completions({"update-in-placed"}), "");
    EXPECT_EQ(update_completions({""}), "");
    EXPECT_EQ(update_completions({"list", "up"}), "");
}

TEST(Completion, OffersTheOptions) {
    EXPECT_EQ(update_completions({"update-in-place", "g1", "--ver"}), "--verbose\n");
    EXPECT_EQ(update_completions({"update-in-place", "g1"}), "");
    EXPECT_EQ(update_completions({"update-in-place", "g1", "--se"}), "--set-policy\n");
    EXPECT_EQ(update_completions({"suspend", "--ver"}), "");
}

TEST(Completion, OffersTheValuesOfOptions) {
    EXPECT_EQ(update_completions({"update-in-place", "g1", "--mode", "e"}), "exec\n");
    EXPECT_EQ(update_completions({"update-in-place", "g1", "--backend", ""}), "qemu\ncpr-vmm\n");
    EXPECT_EQ(update_completions({"update-in-place", "g1", "--timeout", ""}), "");
}

TEST(Completion, TakesRunningDomainsFromAnotherCommand) {
    EXPECT_EQ(stock_completion_words({"update-in-place", "g"}), (Words{"suspend", "g"}));
    EXPECT_EQ(stock_completion_words({"update-in-place", "--check", "g"}), (Words{"suspend", "g"}));
    EXPECT_EQ(stock_completion_words({"update-in-place", "--mode", "exec", "--domain", "g"}),
              (Words{"suspend", "g"}));
    EXPECT_EQ(stock_completion_words({"update-in-place", "--enable", "g"}),
              (Words{"dominfo", "g"}));
    const Words kNoDomains[] = {{"update-in-place", "--d"},
                                {"update-in-place", "g1", "/"},
                                {"update-in-place", "--mode", "e"}};
    for (const Words& words : kNoDomains) {
        EXPECT_EQ(stock_completion_words(words), Words{}) << testing::PrintToString(words);
    }
    EXPECT_EQ(stock_completion_words({"list", "--a"}), (Words{"list", "--a"}));
}

}  // namespace
}  // namespace cpr::tools

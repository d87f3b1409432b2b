// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text_translation.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "fakes/catalogue.h"

namespace cpr {
namespace {

TEST(TextTranslation, IsEnglishWithoutALanguage) {
    EXPECT_EQ(translation_of(Text("cannot {}", "go")), "cannot go");
}

TEST(TextTranslation, FillsInWhatTheTranslationAsksFor) {
    const Catalogue catalogue(
        Catalogue::Texts{{"{} has {:#x} of {}", "{2} <- {0} ({1:#x})"}, {"over", "vorbei"}});
    EXPECT_EQ(translation_of(Text("{} has {:#x} of {}", "a", 255, "b")), "b <- a (0xff)");
    EXPECT_EQ(translation_of("over"), "vorbei");
    EXPECT_EQ(translation_of("unheard of"), "unheard of");
}

TEST(TextTranslation, GoesIntoTheTextsWithin) {
    const Catalogue catalogue(
        {{"cannot {}: {}", "{} geht nicht: {}"}, {"open '{}'", "»{}« öffnen"}},
        {{"No such file or directory", "Nicht da"}});
    errno = ENOENT;
    EXPECT_EQ(translation_of(errno_error("open '{}'", "/x").within("odd").text()),
              "odd: »/x« öffnen geht nicht: Nicht da");
}

// Of another process, which has asked its C library in English.
TEST(TextTranslation, HasTheSystemsWordsForErrno) {
    const Catalogue catalogue({{"over", "vorbei"}}, {{"No such file", "Nicht da"}, {"over", "?"}});
    EXPECT_EQ(translation_of("No such file"), "Nicht da");
    EXPECT_EQ(translation_of("over"), "vorbei");
}

TEST(TextTranslation, LeavesNamesAlone) {
    const Catalogue catalogue(Catalogue::Texts{{"disk '{}'", "Platte »{}«"}, {"over", "vorbei"}});
    EXPECT_EQ(translation_of(Text("disk '{}'", "over")), "Platte »over«");
    EXPECT_EQ(translation_of(Text("disk '{}'", "{0} {}")), "Platte »{0} {}«");
}

TEST(TextTranslation, FallsBackWhereATranslationDoesNotFit) {
    const Catalogue catalogue(Catalogue::Texts{{"one {}", "{} {}"},
                                               {"two {}", "{7}"},
                                               {"three {}", "{"},
                                               {"four {}: {}", "{"},
                                               {"over", "vorbei"}});
    EXPECT_EQ(translation_of(Text("one {}", 1)), "one 1");
    EXPECT_EQ(translation_of(Text("two {}", 2)), "two 2");
    EXPECT_EQ(translation_of(Text("three {}", 3)), "three 3");
    EXPECT_EQ(translation_of(Text("four {}: {}", 4, Text("over"))), "four 4: vorbei");
}

TEST(TextTranslation, DoesNotLookUpTheHeadOfACatalogue) {
    const Catalogue catalogue(Catalogue::Texts{{"", "Language: tlh\n"}, {"a", "b"}});
    EXPECT_EQ(translation_of(""), "");
    EXPECT_EQ(translation_of(std::string("a\0c", 3)), std::string("a\0c", 3));
}

}  // namespace
}  // namespace cpr

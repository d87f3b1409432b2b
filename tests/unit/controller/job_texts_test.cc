// SPDX-License-Identifier: LGPL-2.1-or-later
// What a job says reaches its reader in parts that can be translated, wherever it was said first.
#include "base/text_json.h"
#include "unit/controller/update_fixture.h"

namespace cpr::controller {
namespace {

using nlohmann::json;

// Of each text within, in order.
void collect_formats(const Text& text, std::vector<std::string>& formats) {
    if (text.is_verbatim())
        return;
    formats.push_back(text.format());
    for (const Text& argument : text.arguments())
        collect_formats(argument, formats);
}

class JobTexts : public UpdateTest {
  protected:
    // Of the error of the job that has been started.
    std::vector<std::string> formats() {
        std::vector<std::string> formats;
        collect_formats(text_in(result()["error"], "desc"), formats);
        return formats;
    }

    json no_luck_ = {
        {"desc", "section 'x': no such luck"},
        {"desc-parts",
         {{"template", "section '{}': {}"}, {"arguments", {"x", {{"template", "no such luck"}}}}}}};
};

TEST_F(JobTexts, OfTheControllerHaveParts) {
    start({{"binary", folder_.program("fails")}});
    EXPECT_EQ(formats(),
              (std::vector<std::string>{"'{}' is no VMM that can be used: {}", "with --info it {}",
                                        "{}: {}", "exited with status {}"}));
}

TEST_F(JobTexts, OfTheVmmKeepTheirs) {
    vmm_->on("cpr-save", [this](const json&) {
        json error = no_luck_;
        error["class"] = "GenericError";
        error["code"] = "system";
        return json{{"error", error}};
    });
    start();
    EXPECT_EQ(formats(), (std::vector<std::string>{"{}: {}", "section '{}': {}", "no such luck"}));
}

TEST_F(JobTexts, OfAVmmThatContradictsItselfAreItsEnglish) {
    vmm_->on("cpr-save", [](const json&) {
        return json{{"error",
                     {{"class", "GenericError"},
                      {"desc", "no luck"},
                      {"desc-parts", {{"template", "all is {}"}, {"arguments", {"well"}}}}}}};
    });
    start();
    const json error = result()["error"];
    EXPECT_EQ(error["desc"], "cpr-save: no luck");
    EXPECT_EQ(error["desc-parts"]["arguments"][1], (json{{"template", "no luck"}}));
}

TEST_F(JobTexts, OfARehearsalAreTheNewBinarys) {
    start({{"binary", folder_.program("rehearse-tells")}});
    const json job = result();
    EXPECT_NE(job["error"]["desc"].get<std::string>().find(": section 'x': no such luck"),
              std::string::npos)
        << job["error"];
    EXPECT_EQ(job["error"]["desc-parts"]["arguments"][1], no_luck_["desc-parts"]);
}

TEST_F(JobTexts, OfBlockersAreGivenOnAndMakeUpTheError) {
    blockers_ = {{{"id", "a"},
                  {"reason", "disk 'd' is there"},
                  {"reason-parts", {{"template", "disk '{}' is there"}, {"arguments", {"d"}}}},
                  {"remedy", "detach it"}},
                 {{"id", "b"}, {"reason", "because"}, {"remedy", ""}}};
    start();
    const json job = result();
    EXPECT_EQ(job["blockers"][0], blockers_[0]);
    std::vector<std::string> formats;
    collect_formats(text_in(job["error"], "desc"), formats);
    EXPECT_EQ(formats, (std::vector<std::string>{"the guest cannot be updated: {}", "{}; {}",
                                                 "disk '{}' is there", "because"}));
}

}  // namespace
}  // namespace cpr::controller

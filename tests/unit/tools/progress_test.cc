// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/progress.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace cpr::tools {
namespace {

// What a Progress writes.
class Output {
  public:
    Output() : stream_(open_memstream(&text_, &size_)) {}
    ~Output() {
        std::fclose(stream_);
        std::free(text_);
    }
    std::FILE* stream() { return stream_; }
    std::string text() {
        std::fflush(stream_);
        return {text_, size_};
    }

  private:
    char* text_ = nullptr;
    std::size_t size_ = 0;
    std::FILE* stream_;
};

JobSummary at(const char* phase, virDomainCprJobStatus status = VIR_DOMAIN_CPR_JOB_RUNNING) {
    JobSummary job;
    job.status = status;
    job.phase = phase;
    return job;
}

TEST(Progress, WritesALineForEachPhaseWithoutATerminal) {
    Output output;
    Progress progress(output.stream(), false);
    progress.show(at("validate"));
    progress.show(at("prepare"));
    progress.show(at("prepare"));
    EXPECT_EQ(output.text(), "Update: [  0 %] validate\nUpdate: [ 14 %] prepare\n");
}

TEST(Progress, WritesPhasesThatWereOverBeforeTheyWereSeen) {
    Output output;
    Progress progress(output.stream(), false);
    progress.show(at("save"));
    EXPECT_EQ(output.text(),
              "Update: [  0 %] validate\nUpdate: [ 14 %] prepare\nUpdate: [ 28 %] save\n");
}

TEST(Progress, WritesNoPhaseThatTheFinalReportDoesNotHave) {
    Output output;
    Progress progress(output.stream(), false);
    JobSummary job = at("finish", VIR_DOMAIN_CPR_JOB_COMPLETED);
    job.phases = {"validate"};
    progress.show(job);
    EXPECT_EQ(output.text(), "Update: [  0 %] validate\n");
}

TEST(Progress, DrawsOverOneLineOnATerminal) {
    Output output;
    Progress progress(output.stream(), true);
    progress.show(at("validate"));
    EXPECT_EQ(output.text(), "\rUpdate: [  0 %] validate    ");
    progress.show(at("validate", VIR_DOMAIN_CPR_JOB_COMPLETED));
    EXPECT_EQ(output.text(), "\rUpdate: [  0 %] validate    \rUpdate: [100 %] validate    \n");
}

TEST(Progress, EndsItsLineWhenTheJobFails) {
    Output output;
    Progress progress(output.stream(), true);
    progress.show(at("validate"));
    progress.show(at("validate", VIR_DOMAIN_CPR_JOB_FAILED));
    EXPECT_EQ(output.text(), "\rUpdate: [  0 %] validate    \n");
}

TEST(Progress, PassesOverAPhaseThatItDoesNotKnow) {
    Output output;
    Progress progress(output.stream(), false);
    progress.show(at("teleport"));
    EXPECT_EQ(output.text(), "");
}

TEST(Progress, OfSeveralDomainsNamesTheOne) {
    Output output;
    Progress progress(output.stream(), true, "g1: ");
    progress.show(at("validate"));
    progress.show(at("prepare"));
    EXPECT_EQ(output.text(), "g1: Update: [  0 %] validate\ng1: Update: [ 14 %] prepare\n");
}

}  // namespace
}  // namespace cpr::tools

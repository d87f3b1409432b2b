// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/restore_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/unique_fd.h"

namespace cpr::controller::qemu {
namespace {

using nlohmann::json;

json incoming(const std::string& uri) {
    return {{"execute", "migrate-incoming"}, {"arguments", {{"uri", uri}}}};
}

class RestoreFile : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(lseek(file_.get(), 4096, SEEK_SET), 4096); }

    UniqueFd file_{memfd_create("saved", MFD_CLOEXEC)};
    ArgumentModel line_ = ArgumentModel::parse({"qemu", "-incoming", "defer"});
};

TEST_F(RestoreFile, IsReadThroughASetFromWhereItStands) {
    offer_restore_files(line_, {file_.get()});
    json command = incoming(fmt::format("fd:{}", file_.get()));
    use_restore_file(command, line_);
    EXPECT_EQ(command, incoming("file:/dev/fdset/1000000,offset=4096"));
}

TEST_F(RestoreFile, PipesAndOtherSourcesAreLeftAlone) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    offer_restore_files(line_, {read_end.get(), file_.get()});
    for (const std::string& uri :
         {fmt::format("fd:{}", read_end.get()), std::string("tcp:[::1]:49152")}) {
        json command = incoming(uri);
        use_restore_file(command, line_);
        EXPECT_EQ(command, incoming(uri));
    }
}

TEST_F(RestoreFile, AGuestThatBootsHasNone) {
    auto line = ArgumentModel::parse({"qemu", "-S"});
    offer_restore_files(line, {file_.get()});
    EXPECT_FALSE(line.has("add-fd"));
}

TEST_F(RestoreFile, CommandsWithoutAUriAreLeftAlone) {
    offer_restore_files(line_, {file_.get()});
    for (json command : {json{{"execute", "migrate-incoming"}},
                         json{{"execute", "migrate-incoming"}, {"arguments", {{"uri", 3}}}},
                         json{{"execute", "cont"}}}) {
        const json before = command;
        use_restore_file(command, line_);
        EXPECT_EQ(command, before);
    }
}

}  // namespace
}  // namespace cpr::controller::qemu

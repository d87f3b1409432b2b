// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/stock_virsh.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace cpr::tools {
namespace {

namespace fs = std::filesystem;

// A folder tree with executables, gone with the test.
class StockVirshTest : public testing::Test {
  protected:
    StockVirshTest() {
        std::string name = (fs::temp_directory_path() / "stock-virsh-XXXXXX").string();
        root_ = mkdtemp(name.data());
        add_program("libexec/virsh");
    }
    ~StockVirshTest() override { fs::remove_all(root_); }

    void add_program(const std::string& path, const std::string& script = "exit 0") {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << "#!/bin/sh\n" << script << "\n";
        fs::permissions(root_ / path, fs::perms::owner_all);
    }

    // The opt-in: `path` leads to the front end.
    void add_link(const std::string& path) {
        fs::create_directories((root_ / path).parent_path());
        fs::create_symlink(root_ / "libexec/virsh", root_ / path);
    }

    std::string at(const std::string& path) const { return (root_ / path).string(); }

    StockVirsh find(const std::string& called_as, const std::string& search_path) const {
        return StockVirsh::find(called_as, search_path, at("libexec/virsh"));
    }

    fs::path root_;
};

TEST_F(StockVirshTest, IsTheNextInThePath) {
    add_link("local/virsh");
    add_program("usr/virsh");
    std::string path = at("local") + ":" + at("usr");
    EXPECT_EQ(find("virsh", path).path(), at("usr/virsh"));
    EXPECT_EQ(find(at("local/virsh"), path).path(), at("usr/virsh"));
    EXPECT_EQ(find(at("libexec/virsh"), path).path(), at("usr/virsh"));
}

TEST_F(StockVirshTest, IsTheDivertedOneBesideTheFrontEnd) {
    add_link("usr/virsh");
    add_program("usr/virsh.distrib");
    add_program("other/virsh");
    EXPECT_EQ(find("virsh", at("usr") + ":" + at("other")).path(), at("usr/virsh.distrib"));
    EXPECT_EQ(find(at("usr/virsh"), at("other")).path(), at("usr/virsh.distrib"));
}

TEST_F(StockVirshTest, IsNeverTheFrontEndItself) {
    add_link("local/virsh");
    add_link("usr/virsh");
    EXPECT_THROW(find("virsh", at("local") + ":" + at("usr")), Error);
    EXPECT_THROW(find("virsh", ""), Error);
}

TEST_F(StockVirshTest, IsNotSoughtBeforeTheFrontEndsOwnPlace) {
    add_program("first/virsh");  // say, a copy of the front end, which calls what comes behind it
    add_link("second/virsh");
    EXPECT_THROW(find(at("second/virsh"), at("first") + ":" + at("second")), Error);
}

TEST_F(StockVirshTest, IsNoFolderAndNoFileWithoutExecutePermission) {
    add_link("local/virsh");
    fs::create_directories(root_ / "a/virsh");
    add_program("b/virsh");
    fs::permissions(root_ / "b/virsh", fs::perms::owner_read);
    add_program("c/virsh");
    std::string path = at("local") + ":" + at("a") + ":" + at("b") + ":" + at("c");
    EXPECT_EQ(find("virsh", path).path(), at("c/virsh"));
}

TEST_F(StockVirshTest, GivesOutputAndExitStatus) {
    add_program("usr/virsh", "printf '%s|' \"$@\"; exit 3");
    StockVirsh::Output output = find("virsh", at("usr")).capture({"a b", "", "c"});
    EXPECT_EQ(output.text, "a b||c|");
    EXPECT_EQ(output.status, 3);
    EXPECT_EQ(find("virsh", at("usr")).run({"x"}), 3);
}

}  // namespace
}  // namespace cpr::tools

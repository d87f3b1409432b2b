// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/emulator_config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "base/error.h"
#include "unit/controller/support.h"

namespace cpr::controller {
namespace {

constexpr const char* kText =
    "# A comment.\n[virt-cpr-emulator]\n# Which.\nbinary=/usr/libexec/vmm\n\n"
    "[other]\nbinary=/opt/vmm\nmode=exec\n";

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.message();
    }
    return "(no error)";
}

TEST(EmulatorConfig, FindsTheBinaryOfAnEmulator) {
    const TestFolder folder;
    const EmulatorConfig config(folder.file("emulators.conf", kText));
    EXPECT_EQ(config.find("other").binary, "/opt/vmm");
    EXPECT_EQ(config.list().size(), 2u);
    EXPECT_EQ(config.list()[0].name, "virt-cpr-emulator");
}

TEST(EmulatorConfig, TellsForWhichModeADomainIsStarted) {
    const TestFolder folder;
    const EmulatorConfig config(folder.file("emulators.conf", kText));
    EXPECT_EQ(config.find("virt-cpr-emulator").mode, UpdateMode::kTransfer);
    EXPECT_EQ(config.find("other").mode, UpdateMode::kExec);
    const EmulatorConfig wrong(
        folder.file("wrong.conf", "[a]\nbinary=/b\nmode=auto\n[c]\nbinary=/b\nmode=\n"));
    for (const char* name : {"a", "c"})
        EXPECT_NE(message_of([&] {
                      wrong.find(name);
                  }).find(fmt::format("group [{}]: 'mode' must be 'transfer' or 'exec'", name)),
                  std::string::npos);
}

TEST(EmulatorConfig, NamesFileAndGroupOfWhatIsMissing) {
    const TestFolder folder;
    const std::string path =
        folder.file("c", "[empty]\n[blank]\nbinary=\n[relative]\nbinary=vmm\n");
    const EmulatorConfig config(path);
    for (const char* name : {"absent", "empty", "blank", "relative"}) {
        const std::string message = message_of([&] { config.find(name); });
        EXPECT_NE(message.find(path), std::string::npos) << message;
        EXPECT_NE(message.find("[" + std::string(name) + "]"), std::string::npos) << message;
    }
}

TEST(EmulatorConfig, DeadlinesAreInMilliseconds) {
    const TestFolder folder;
    const EmulatorConfig config(
        folder.file("c",
                    "[a]\nbinary=/vmm\nload-deadline=250\nlongest-stop=77\n[b]\nbinary=/"
                    "vmm\nexec-deadline=soon\n"
                    "[c]\nbinary=/vmm\nkill-deadline=0\n"));
    EXPECT_EQ(config.deadlines("a").load, std::chrono::milliseconds(250));
    EXPECT_EQ(config.deadlines("a").longest_stop, std::chrono::milliseconds(77));
    EXPECT_EQ(config.deadlines("a").save, UpdateDeadlines().save);
    for (const char* part : {config.path().c_str(), "[b]", "'exec-deadline'"})
        EXPECT_NE(message_of([&] { config.deadlines("b"); }).find(part), std::string::npos) << part;
    EXPECT_NE(message_of([&] { config.deadlines("c"); }).find("'kill-deadline'"),
              std::string::npos);
    EXPECT_EQ(config.deadlines("absent").load, UpdateDeadlines().load);
}

TEST(EmulatorConfig, ADeadlineThatIsNotValidKeepsNoDomainFromStarting) {
    const TestFolder folder;
    const EmulatorConfig config(folder.file("c", "[a]\nbinary=/vmm\nexec-deadline=soon\n"));
    EXPECT_EQ(config.find("a").binary, "/vmm");
}

TEST(EmulatorConfig, WithoutAFileDeadlinesAreTheDefault) {
    const TestFolder folder;
    EXPECT_EQ(EmulatorConfig(folder.path("absent")).deadlines("a").load, UpdateDeadlines().load);
    const std::string broken = folder.file("broken", "no group\n");
    EXPECT_EQ(EmulatorConfig(broken).deadlines("a").load, UpdateDeadlines().load);
}

TEST(EmulatorConfig, EachDeadlineHasItsKey) {
    using Deadline = std::chrono::milliseconds UpdateDeadlines::*;
    const std::map<std::string, Deadline> keys{
        {"query", &UpdateDeadlines::query}, {"info", &UpdateDeadlines::info},
        {"save", &UpdateDeadlines::save},   {"exec", &UpdateDeadlines::exec},
        {"load", &UpdateDeadlines::load},   {"resume", &UpdateDeadlines::resume},
        {"kill", &UpdateDeadlines::kill},   {"rehearsal", &UpdateDeadlines::rehearsal}};
    const TestFolder folder;
    for (const auto& [key, deadline] : keys) {
        const EmulatorConfig config(folder.file("c", "[a]\nbinary=/vmm\n" + key + "-deadline=7\n"));
        const UpdateDeadlines deadlines = config.deadlines("a");
        for (const auto& [other, value] : keys)
            EXPECT_EQ((deadlines.*value).count(),
                      value == deadline ? 7 : (UpdateDeadlines().*value).count())
                << key << ", " << other;
    }
}

TEST(EmulatorConfig, NamesAFileThatCannotBeRead) {
    const TestFolder folder;
    const std::string absent = folder.path("absent");
    EXPECT_NE(message_of([&] { EmulatorConfig(absent).find("x"); }).find(absent),
              std::string::npos);
    const std::string broken = folder.file("broken", "no group\n");
    EXPECT_NE(message_of([&] { EmulatorConfig(broken).find("x"); }).find(broken),
              std::string::npos);
}

TEST(EmulatorConfig, SetKeepsCommentsAndOtherGroups) {
    const TestFolder folder;
    const EmulatorConfig config(folder.file("emulators.conf", kText));
    config.set({"virt-cpr-emulator", "/new/vmm"});
    config.set({"third", "/third/vmm"});
    EXPECT_EQ(config.find("virt-cpr-emulator").binary, "/new/vmm");
    EXPECT_EQ(config.find("third").binary, "/third/vmm");
    const std::string text = read_file(config.path());
    EXPECT_NE(text.find("# A comment."), std::string::npos);
    EXPECT_NE(text.find("# Which."), std::string::npos);
    EXPECT_NE(text.find("mode=exec"), std::string::npos);
}

TEST(EmulatorConfig, SetMakesAFileThatAnyUserCanRead) {
    const TestFolder folder;
    const EmulatorConfig config(folder.path("etc/emulators.conf"));
    config.set({"a", "/a"});
    struct stat info {};
    ASSERT_EQ(stat(config.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0644u);
    EXPECT_EQ(config.find("a").binary, "/a");
}

TEST(EmulatorConfig, SetRefusesAFileThatItDoesNotUnderstand) {
    const TestFolder folder;
    const EmulatorConfig config(folder.file("emulators.conf", "no group\n"));
    EXPECT_THROW(config.set({"a", "/a"}), Error);
    EXPECT_EQ(read_file(config.path()), "no group\n");
}

}  // namespace
}  // namespace cpr::controller

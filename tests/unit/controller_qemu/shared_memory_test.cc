// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/shared_memory.h"

#include <gtest/gtest.h>

#include "controller/qemu/memory_size.h"
#include "unit/controller_qemu/support.h"

namespace cpr::controller::qemu {
namespace {

StartFacts facts() {
    StartFacts facts;
    facts.has_aux_ram_share = true;
    facts.default_ram_id = "pc.ram";
    facts.look_at = [](const std::string& path) {
        if (path.starts_with("/hp/"))
            return HostPath{true, 2 << 20};
        return HostPath{path == "/dev/shm", 0};
    };
    return facts;
}

ArgumentModel golden(const std::string& name) {
    return ArgumentModel::parse(golden_lines(name));
}

// What differs between the golden command line and its edited form: the arguments that are new.
Arguments edited(const std::string& name) {
    ArgumentModel model = golden(name);
    EXPECT_TRUE(share_memory(model, facts()).empty()) << name;
    const Arguments once = model.write();
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(model.write(), once) << "the second time changes nothing";
    const Arguments before = golden_lines(name);
    EXPECT_EQ(once.size(), before.size());
    Arguments changed;
    for (size_t i = 0; i < before.size(); ++i)
        if (once.at(i) != before[i])
            changed.push_back(once[i]);
    return changed;
}

constexpr const char* kMachine =
    "pc-q35-10.0,usb=off,dump-guest-core=off,memory-backend=pc.ram,acpi=on,aux-ram-share=on";

TEST(ShareMemory, DefaultMemoryBecomesAMemoryFileOfTheSameName) {
    EXPECT_EQ(
        edited("default.args"),
        (Arguments{kMachine, R"({"qom-type":"memory-backend-memfd","id":"pc.ram","size":268435456,)"
                             R"("x-use-canonical-path-for-ramblock-id":false,"share":true})"}));
}

TEST(ShareMemory, NodesKeepTheirPolicy) {
    const Arguments changed = edited("numa.args");
    ASSERT_EQ(changed.size(), 4U);
    EXPECT_EQ(changed[1], R"({"qom-type":"memory-backend-memfd","id":"ram-node0","size":134217728,)"
                          R"("host-nodes":[0],"policy":"bind",)"
                          R"("x-use-canonical-path-for-ramblock-id":false,"share":true})");
    EXPECT_NE(changed[3].find(R"("id":"memdimm0")"), std::string::npos);
    EXPECT_NE(changed[3].find(R"("share":true)"), std::string::npos);
}

TEST(ShareMemory, HugePagesOfAFolderBecomeThoseOfAMemoryFile) {
    const Arguments changed = edited("hugepages.args");
    ASSERT_EQ(changed.size(), 2U);
    EXPECT_EQ(changed[1], R"({"qom-type":"memory-backend-memfd","id":"pc.ram",)"
                          R"("x-use-canonical-path-for-ramblock-id":false,"prealloc":true,)"
                          R"("size":134217728,"share":true,"hugetlb":true,"hugetlbsize":2097152})");
}

TEST(ShareMemory, SharedMemoryStaysAsItIs) {
    EXPECT_EQ(edited("memfd.args").size(), 1U);
    EXPECT_EQ(edited("hugepages-memfd.args").size(), 1U);
}

TEST(ShareMemory, ThePairsFormIsKept) {
    ArgumentModel model = model_of({"-machine", "q35,memory-backend=m", "-object",
                                    "memory-backend-ram,id=m,size=1G,host-nodes=0,policy=bind"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-machine", "q35,memory-backend=m,aux-ram-share=on", "-object",
                         "memory-backend-memfd,id=m,size=1G,host-nodes=0,policy=bind,"
                         "x-use-canonical-path-for-ramblock-id=off,share=on"}));
}

TEST(ShareMemory, ALongNameThatWasAskedForStays) {
    ArgumentModel model =
        model_of({"-machine", "q35,memory-backend=m", "-object",
                  "memory-backend-ram,id=m,size=1G,x-use-canonical-path-for-ramblock-id=on"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_TRUE(model.find("object", "m")->is_on("x-use-canonical-path-for-ramblock-id"));
}

TEST(ShareMemory, PrivateMemfdIsShared) {
    ArgumentModel model = model_of({"-machine", "q35,memory-backend=m", "-object",
                                    "memory-backend-memfd,id=m,size=1G,share=off"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(argument_of(model, "object", "m"), "memory-backend-memfd,id=m,size=1G,share=on");
}

TEST(ShareMemory, MemoryWithoutBackendGetsOne) {
    ArgumentModel model = model_of({"-machine", "pc", "-m", "size=262144k,slots=2", "-S"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(arguments_of(model),
              (Arguments{"-machine", "pc,memory-backend=pc.ram,aux-ram-share=on", "-m",
                         "size=262144k,slots=2", "-object",
                         R"({"qom-type":"memory-backend-memfd","id":"pc.ram","size":268435456,)"
                         R"("x-use-canonical-path-for-ramblock-id":false,"share":true})",
                         "-S"}));
    const Arguments once = model.write();
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(model.write(), once);
}

TEST(ShareMemory, AMemoryPathOfHugePagesIsTakenOver) {
    ArgumentModel model = model_of({"-m", "64", "-mem-prealloc", "-mem-path", "/hp/x"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_FALSE(model.has("mem-path"));
    EXPECT_EQ(argument_of(model, "object", "pc.ram"),
              R"({"qom-type":"memory-backend-memfd","id":"pc.ram","size":67108864,)"
              R"("prealloc":true,"x-use-canonical-path-for-ramblock-id":false,"share":true,)"
              R"("hugetlb":true,"hugetlbsize":2097152})");
}

TEST(ShareMemory, TheOldProcessDiscardsNothing) {
    ArgumentModel model = model_of({"-machine", "q35,memory-backend=m", "-object",
                                    "memory-backend-file,id=m,size=1G,mem-path=/f,share=on,"
                                    "discard-data=on"});
    EXPECT_TRUE(share_memory(model, facts()).empty());
    EXPECT_EQ(model.find("object", "m")->value("discard-data"), "off");
}

struct Refusal {
    const char* object;
    const char* id;
    const char* reason;
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, IsABlockerAndChangesNothing) {
    ArgumentModel model =
        model_of({"-machine", "q35,memory-backend=m", "-object", GetParam().object, "-object",
                  "memory-backend-ram,id=other,size=1G"});
    const Arguments before = model.write();
    const auto blockers = share_memory(model, facts());
    ASSERT_EQ(blockers.size(), 1U);
    EXPECT_EQ(blockers[0].id, GetParam().id);
    EXPECT_NE(blockers[0].reason.english().find(GetParam().reason), std::string::npos)
        << blockers[0].reason.english();
    EXPECT_FALSE(blockers[0].remedy.english().empty());
    EXPECT_EQ(model.write(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Backends, Refused,
    testing::Values(Refusal{"memory-backend-file,id=m,size=1G,mem-path=/var/x", kMemoryBlocker,
                            "private copy"},
                    Refusal{"memory-backend-file,id=m,size=1G,mem-path=/dev/shm,share=on",
                            kMemoryBlocker, "without a name"},
                    Refusal{"memory-backend-file,id=m,size=1G,mem-path=/hp/x,readonly=on",
                            kMemoryBlocker, "'readonly'"},
                    Refusal{"memory-backend-epc,id=m,size=1G", kMemoryBlocker, "cannot share"}));

TEST(ShareMemory, RefusesWhatItDoesNotKnow) {
    ArgumentModel confidential =
        model_of({"-machine", "q35,memory-backend=m,confidential-guest-support=sev0"});
    EXPECT_EQ(share_memory(confidential, facts()).at(0).id, kConfidentialBlocker);
    StartFacts old = facts();
    old.has_aux_ram_share = false;
    ArgumentModel model = golden("default.args");
    EXPECT_EQ(share_memory(model, old).at(0).id, kTooOldBlocker);
    EXPECT_EQ(model.write(), golden_lines("default.args"));
    StartFacts nameless = facts();
    nameless.default_ram_id.clear();
    ArgumentModel plain = model_of({"-m", "64"});
    EXPECT_EQ(share_memory(plain, nameless).at(0).id, kMemoryBlocker);
    ArgumentModel unsized = model_of({"-machine", "q35", "-m", "1.5G"});
    EXPECT_EQ(share_memory(unsized, facts()).at(0).id, kMemoryBlocker);
}

TEST(ShareAddedMemory, ChangesWhatIsPluggedIn) {
    Object dimm{{"qom-type", "memory-backend-ram"}, {"id", "memdimm1"}, {"size", 4096}};
    EXPECT_FALSE(share_added_memory(dimm, facts()));
    EXPECT_EQ(dimm.dump(), R"({"qom-type":"memory-backend-memfd","id":"memdimm1","size":4096,)"
                           R"("x-use-canonical-path-for-ramblock-id":false,"share":true})");
    Object secret{{"qom-type", "secret"}, {"id", "s"}};
    const Object before = secret;
    EXPECT_FALSE(share_added_memory(secret, facts()));
    EXPECT_EQ(secret, before);
    Object file{{"qom-type", "memory-backend-file"}, {"id", "f"}, {"mem-path", "/f"}};
    EXPECT_EQ(share_added_memory(file, facts())->id, kMemoryBlocker);
}

TEST(MemorySize, ReadsWhatMinusMTakes) {
    EXPECT_EQ(parse_memory_size("262144k"), 256ULL << 20);
    EXPECT_EQ(parse_memory_size("64"), 64ULL << 20);
    EXPECT_EQ(parse_memory_size("2G"), 2ULL << 30);
    EXPECT_EQ(parse_memory_size("4096b"), 4096U);
    EXPECT_EQ(parse_memory_size("8T"), 8ULL << 40);
    for (const char* bad :
         {"", "0", "k", "1.5G", "1x", "1kk", "-1", "99999999999999999999", "9000000T"})
        EXPECT_EQ(parse_memory_size(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace cpr::controller::qemu

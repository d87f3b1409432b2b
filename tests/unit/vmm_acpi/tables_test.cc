// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/acpi/tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

#include "vmm/acpi/aml.h"
#include "vmm/core/platform.h"

namespace cpr::vmm::acpi {
namespace {

constexpr uint64_t kBase = platform::kAcpiBase;

template <typename T>
T at(const std::vector<uint8_t>& blob, uint64_t address) {
    T value{};
    EXPECT_LE(address - kBase + sizeof(T), blob.size());
    memcpy(&value, blob.data() + (address - kBase), sizeof(T));
    return value;
}

// The tables by signature, found as a guest finds them: RSDP, XSDT, FADT.
std::map<std::string, std::vector<uint8_t>> tables_of(const std::vector<uint8_t>& blob) {
    std::map<std::string, std::vector<uint8_t>> tables;
    const auto add = [&](uint64_t address) {
        const auto* start = blob.data() + (address - kBase);
        tables[std::string(start, start + 4)] = {start, start + at<uint32_t>(blob, address + 4)};
    };
    const uint64_t xsdt = at<uint64_t>(blob, kBase + 24);
    add(xsdt);
    for (uint64_t entry = 36; entry < tables["XSDT"].size(); entry += 8)
        add(at<uint64_t>(blob, xsdt + entry));
    uint64_t dsdt = 0;
    memcpy(&dsdt, tables["FACP"].data() + 140, 8);
    add(dsdt);
    return tables;
}

TEST(AcpiTables, AreLinkedAndTheirChecksumsAreRight) {
    const auto blob = build_tables(kBase, {4, {0, 1}});
    EXPECT_EQ(memcmp(blob.data(), "RSD PTR ", 8), 0);
    EXPECT_EQ(std::accumulate(blob.begin(), blob.begin() + 36, 0) & 0xff, 0);
    const auto tables = tables_of(blob);
    for (const char* name : {"XSDT", "FACP", "APIC", "MCFG", "DSDT"}) {
        ASSERT_TRUE(tables.contains(name)) << name;
        const auto& table = tables.at(name);
        EXPECT_EQ(std::accumulate(table.begin(), table.end(), 0) & 0xff, 0) << name;
    }
}

TEST(AcpiTables, MadtNamesEveryVcpu) {
    for (const uint32_t vcpus : {1u, 8u}) {
        const auto madt = tables_of(build_tables(kBase, {vcpus, {0}})).at("APIC");
        uint32_t found = 0;
        for (size_t i = 44; i < madt.size(); i += madt[i + 1])
            found += madt[i] == 0 ? 1 : 0;
        EXPECT_EQ(found, vcpus);
    }
}

int run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str());
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// ACPICA's compiler reads every table and, for the DSDT, compiles what it disassembled.
TEST(AcpiTables, IaslAcceptsThem) {
    std::string folder = "iasl-test.XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    for (const auto& [name, table] : tables_of(build_tables(kBase, {8, {0, 1, 2, 3}, 0x505}))) {
        const std::string path = folder + "/" + name;
        std::ofstream(path + ".aml", std::ios::binary)
            .write(reinterpret_cast<const char*>(table.data()),
                   static_cast<std::streamsize>(table.size()));
        EXPECT_EQ(run(std::string(IASL) + " -d " + path + ".aml"), 0) << name;
        EXPECT_EQ(run(std::string(IASL) + " -p " + path + ".again " + path + ".dsl"), 0) << name;
        EXPECT_EQ(text_of(path + ".dsl").find("Invalid"), std::string::npos) << name;
    }
    const std::string dsdt = text_of(folder + "/DSDT.dsl");
    for (const char* expected :
         {"Device (PCI0)", "EisaId (\"PNP0A08\"", "Device (COM4)", "Device (CP07)", "Name (\\_S5",
          "Device (PEVT)", "\"QEMU0001\"", "0x0505", "Name (_STA, 0x0F)", "Method (_OSC, 4",
          "0xE0000000", "CreateDWordField (Arg3, 0x08, CDW3)"})
        EXPECT_NE(dsdt.find(expected), std::string::npos) << expected;
    std::filesystem::remove_all(folder);
}

TEST(AcpiTables, APanicDeviceIsThereOnlyIfItIsAskedFor) {
    const auto named = [](const Config& config) {
        const auto dsdt = tables_of(build_tables(kBase, config)).at("DSDT");
        const std::string id = "QEMU0001";
        return std::search(dsdt.begin(), dsdt.end(), id.begin(), id.end()) != dsdt.end();
    };
    EXPECT_FALSE(named({1, {0}}));
    EXPECT_TRUE(named({1, {0}, 0x505}));
}

TEST(Aml, PackageLengthsGrowWithTheContent) {
    for (const size_t size : {10u, 62u, 63u, 64u, 300u, 5000u, 100000u}) {
        const auto term = aml::scope("\\_SB", aml::Bytes(size, 0));
        const size_t field = 1 + (term[1] >> 6);
        size_t length = field == 1 ? term[1] & 0x3f : term[1] & 0xf;
        for (size_t i = 1; i < field; ++i)
            length |= size_t{term[1 + i]} << (4 + 8 * (i - 1));
        EXPECT_EQ(length, term.size() - 1) << size;
    }
}

}  // namespace
}  // namespace cpr::vmm::acpi

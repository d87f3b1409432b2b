// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <random>

#include "fakes/fake_platform.h"
#include "vmm/core/platform.h"
#include "vmm/pci/pci_host.h"
#include "vmm/pci/root_port.h"

namespace cpr::vmm {
namespace {

struct TestState {
    static constexpr std::string_view kKind = "test-pci";
    static constexpr uint16_t kVersion = 1;
    PciFunctionState pci;
    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.pci);
    }
};

// A device with one BAR of each kind that remembers where they are.
class TestDevice final : public StatefulDevice<TestState>, public PciFunction {
  public:
    TestDevice(const DeviceConfig& config, const DeviceContext& context)
        : StatefulDevice(config.id, context), PciFunction(config.id, state_.pci, restored()) {
        set_identity({.vendor = 0xaaaa, .device = 0xbbbb, .class_code = 0xff0000});
        add_bar(0, {PciBar::Kind::kMemory32, 0x10000, false});
        add_bar(1, {PciBar::Kind::kMemory64, uint64_t{1} << 32, true});
        add_bar(3, {PciBar::Kind::kIo, 0x20, false});
        add_bar(4, {PciBar::Kind::kMemory64, 0x4000, false});
        set_interrupt_pin(1);
        attach(*context.pci, config);
        complete();
    }
    ~TestDevice() override { unmap_bars(); }
    void reset() override { reset_function(); }
    void map_bar(unsigned index, uint64_t address) override {
        if (refuse)
            throw Error(ErrorCode::kSystem, "refused");
        at[index] = address;
    }
    void unmap_bar(unsigned index) override { at.erase(index); }
    void raise(bool level) { set_intx(level); }

    std::map<unsigned, uint64_t> at;
    bool refuse = false;
};

struct World {
    explicit World(Restored* restored = nullptr) : context(platform.context(restored)) {
        host = std::make_unique<PciHost>(context);
        context.pci = host.get();
    }
    RootPort& port(const std::string& id, const std::string& addr, const std::string& bus = "") {
        ports.push_back(std::make_unique<RootPort>(
            DeviceConfig{"pcie-root-port",
                         id,
                         {{"bus", bus}, {"addr", addr}, {"multifunction", "on"}, {"chassis", "3"}}},
            context));
        return *ports.back();
    }
    TestDevice& device(const std::string& id, const std::string& bus, const std::string& addr) {
        devices.push_back(std::make_unique<TestDevice>(
            DeviceConfig{"test", id, {{"bus", bus}, {"addr", addr}}}, context));
        return *devices.back();
    }
    uint32_t ecam_read(uint32_t bus, uint32_t devfn, uint32_t offset, size_t size = 4) {
        std::array<uint8_t, 4> bytes{};
        platform.mmio.read(platform::kEcamBase + (bus << 20 | devfn << 12 | offset),
                           std::span(bytes).first(size));
        return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t{bytes[3]} << 24;
    }
    void ecam_write(uint32_t bus, uint32_t devfn, uint32_t offset, uint32_t value,
                    size_t size = 4) {
        std::array<uint8_t, 4> bytes{};
        memcpy(bytes.data(), &value, 4);
        platform.mmio.write(platform::kEcamBase + (bus << 20 | devfn << 12 | offset),
                            std::span<const uint8_t>(bytes).first(size));
    }

    fakes::FakePlatform platform;
    DeviceContext context;
    std::unique_ptr<PciHost> host;
    std::vector<std::unique_ptr<RootPort>> ports;
    std::vector<std::unique_ptr<TestDevice>> devices;
};

TEST(PciAddress, TakesTheFormsOfQemu) {
    EXPECT_EQ(parse_pci_address("0x2").devfn(), 0x10);
    EXPECT_EQ(parse_pci_address("0x1f.0x2"), (PciAddress{31, 2}));
    EXPECT_EQ(parse_pci_address("1f.2"), (PciAddress{31, 2}));
    EXPECT_EQ(parse_pci_address("12").slot, 12);
    for (const char* bad : {"", "0x20", "1.8", "x", "1.", ".1", "1.2.3", "0x"})
        EXPECT_THROW(parse_pci_address(bad), Error) << bad;
    EXPECT_EQ(parse_host_pci_address("0000:00:05.0"), "0000:00:05.0");
    EXPECT_EQ(parse_host_pci_address("65:1f.7"), "0000:65:1f.7");
    for (const char* bad : {"", "5", "0:0", "00:05", "1:2:3:4", "00:20.0", "00:05.8", "g0:05.0"})
        EXPECT_THROW(parse_host_pci_address(bad), Error) << bad;
}

TEST(PciConfig, GuestChangesOnlyWhatItMay) {
    std::vector<uint8_t> bytes;
    PciConfig config(bytes);
    config.set16(0x40, 0x1234);
    config.make_writable(0x40, 0x00ff, 2);
    config.set8(0x50, 0x0f);
    config.make_write_1_to_clear(0x50, 0x03, 1);
    const std::array<uint8_t, 2> ones{0xff, 0xff};
    config.write(0x40, ones);
    EXPECT_EQ(config.get16(0x40), 0x12ff);
    config.write(0x50, std::span(ones).first(1));
    EXPECT_EQ(config.get8(0x50), 0x0c);
    EXPECT_EQ(config.get8(0x51), 0);
}

TEST(PciConfig, CapabilitiesFormAList) {
    std::vector<uint8_t> bytes;
    PciConfig config(bytes);
    const uint8_t first = config.add_capability(0x10, 60);
    const uint8_t second = config.add_capability(0x11, 12);
    EXPECT_EQ(config.find_capability(0x10), first);
    EXPECT_EQ(config.find_capability(0x11), second);
    EXPECT_EQ(config.find_capability(0x05), 0);
    EXPECT_GE(second, first + 60);
    EXPECT_THROW(config.add_capability(0x12, 20, first), Error);
    EXPECT_THROW(config.add_capability(0x12, 200), Error);
}

TEST(PciHost, RoutesByTheBusNumbersOfTheBridges) {
    World world;
    world.port("pci.1", "0x2");
    world.port("pci.2", "0x2.0x1");
    world.device("a", "pci.2", "0x0");
    EXPECT_EQ(world.ecam_read(1, 0, 0), 0xffffffff);
    world.host->assign_resources();
    EXPECT_EQ(world.ecam_read(0, 0, 0), 0x00081b36u);
    EXPECT_EQ(world.ecam_read(0, 0x10, 0), 0x000c1b36u);
    EXPECT_EQ(world.ecam_read(2, 0, 0), 0xbbbbaaaau);
    EXPECT_EQ(world.ecam_read(1, 0, 0), 0xffffffff);
    EXPECT_EQ(world.ecam_read(2, 8, 0), 0xffffffff);
    // The guest renumbers.
    world.ecam_write(0, 0x11, PCI_SECONDARY_BUS, 9, 1);
    world.ecam_write(0, 0x11, PCI_SUBORDINATE_BUS, 9, 1);
    EXPECT_EQ(world.ecam_read(2, 0, 0), 0xffffffff);
    EXPECT_EQ(world.ecam_read(9, 0, 0), 0xbbbbaaaau);
}

TEST(PciHost, PortsReachTheSameSpace) {
    World world;
    world.device("a", "", "0x3");
    const uint32_t address = 0x80000000 | 0x18 << 8;
    std::array<uint8_t, 4> bytes{};
    memcpy(bytes.data(), &address, 4);
    world.platform.ports.write(0xcf8, bytes);
    std::array<uint8_t, 2> id{};
    world.platform.ports.read(0xcfe, id);
    EXPECT_EQ(id[0] | id[1] << 8, 0xbbbb);
    // Without the enable bit nobody answers.
    bytes[3] = 0;
    world.platform.ports.write(0xcf8, bytes);
    world.platform.ports.read(0xcfe, id);
    EXPECT_EQ(id[0] | id[1] << 8, 0xffff);
}

TEST(PciHost, FirmwareGivesEveryBarItsPlaceWithinItsBridge) {
    World world;
    world.port("pci.1", "0x2");
    world.port("pci.2", "0x3");
    const TestDevice& a = world.device("a", "pci.1", "0x0");
    const TestDevice& b = world.device("b", "pci.2", "0x0");
    const TestDevice& c = world.device("c", "", "0x1f");
    world.host->assign_resources();
    for (const TestDevice* device : {&a, &b, &c}) {
        ASSERT_EQ(device->at.size(), 4u) << device->id();
        EXPECT_GE(device->at.at(1), platform::kPciMmio64Base);
        EXPECT_EQ(device->at.at(1) % (uint64_t{1} << 32), 0u);
        EXPECT_LT(device->at.at(4), platform::kEcamBase);
    }
    for (const auto& port : world.ports) {
        PciFunction& bridge = *port;
        const TestDevice& inner = port == world.ports[0] ? a : b;
        const uint64_t base = uint64_t{bridge.config_read(PCI_MEMORY_BASE, 2)} << 16;
        const uint64_t limit = uint64_t{bridge.config_read(PCI_MEMORY_LIMIT, 2)} << 16 | 0xfffff;
        EXPECT_LE(base, inner.at.at(0));
        EXPECT_GE(limit, inner.at.at(0) + 0xffff);
        const uint64_t high = uint64_t{bridge.config_read(PCI_PREF_BASE_UPPER32, 4)} << 32 |
                              uint64_t{bridge.config_read(PCI_PREF_MEMORY_BASE, 2) & 0xfff0} << 16;
        EXPECT_LE(high, inner.at.at(1));
        EXPECT_EQ(bridge.config_read(PCI_COMMAND, 2) & 7, 7u);
    }
    EXPECT_NE(a.at.at(0), b.at.at(0));
    EXPECT_EQ(world.devices[2]->PciFunction::config_read(PCI_INTERRUPT_LINE, 1),
              platform::pci_intx_gsi(0x1f, 0));
}

TEST(PciHost, ResetAndNewAssignmentGiveTheSameAddresses) {
    World world;
    world.port("pci.1", "0x2");
    TestDevice& device = world.device("a", "pci.1", "0x0");
    world.host->assign_resources();
    const auto before = device.at;
    for (const auto& port : world.ports)
        port->reset();
    device.reset();
    world.host->reset();
    EXPECT_TRUE(device.at.empty());
    world.host->assign_resources();
    EXPECT_EQ(device.at, before);
}

TEST(PciHost, BarsThatDoNotFitAreAnError) {
    World world;
    for (int i = 0; i < 17; ++i)
        world.device(fmt::format("d{}", i), "", fmt::format("{}", i + 1));
    try {
        world.host->assign_resources();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_NE(error.message().find("above 4 GiB"), std::string::npos) << error.message();
    }
}

TEST(PciFunction, BarsFollowTheGuest) {
    World world;
    TestDevice& device = world.device("a", "", "0x3");
    world.host->assign_resources();
    PciFunction& function = device;
    // Sizing with decoding on moves the BAR out of every window.
    function.config_write(PCI_BASE_ADDRESS_0, 0xffffffff, 4);
    EXPECT_EQ(function.config_read(PCI_BASE_ADDRESS_0, 4), 0xffff0000u);
    EXPECT_FALSE(device.at.contains(0));
    function.config_write(PCI_BASE_ADDRESS_0, 0xc8000000, 4);
    EXPECT_EQ(device.at.at(0), 0xc8000000u);
    // Onto RAM, it is not decoded.
    function.config_write(PCI_BASE_ADDRESS_0, 0x100000, 4);
    EXPECT_FALSE(device.at.contains(0));
    function.config_write(PCI_BASE_ADDRESS_0, 0xc8000000, 4);
    function.config_write(PCI_COMMAND, PCI_COMMAND_IO, 2);
    EXPECT_FALSE(device.at.contains(0));
    EXPECT_TRUE(device.at.contains(3));
    function.config_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    EXPECT_EQ(device.at.at(0), 0xc8000000u);
    EXPECT_FALSE(device.at.contains(3));
}

TEST(PciFunction, RefusedMappingStaysUnmappedAndIsTriedAgain) {
    World world;
    TestDevice& device = world.device("a", "", "0x3");
    device.refuse = true;
    world.host->assign_resources();
    EXPECT_TRUE(device.at.empty());
    EXPECT_FALSE(device.mapped(0));
    device.refuse = false;
    static_cast<PciFunction&>(device).config_write(PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
    EXPECT_TRUE(device.mapped(0));
}

TEST(PciFunction, AddressesAreChecked) {
    World world;
    world.port("pci.1", "0x2");
    world.device("a", "pci.1", "0x0");
    EXPECT_THROW(world.device("b", "pci.1", "0x0"), Error);
    EXPECT_THROW(world.device("b", "pci.1", "0x1"), Error);
    EXPECT_THROW(world.device("b", "pci.9", "0x0"), Error);
    EXPECT_THROW(world.device("b", "pcie.0", "0x0"), Error);
    world.device("c", "pcie.0", "0x5");
    EXPECT_THROW(world.device("b", "pcie.0", "0x5.0x1"), Error);
    EXPECT_THROW(world.port("pci.1", "0x7"), Error);
    // What failed left nothing behind.
    world.device("d", "pcie.0", "0x7");
}

TEST(PciFunction, IntxIsSwizzledAndShared) {
    World world;
    const RootPort& port = world.port("pci.1", "0x2");
    TestDevice& a = world.device("a", "pci.1", "0x0");
    TestDevice& b = world.device("b", "", "0x6");
    const uint32_t gsi = platform::pci_intx_gsi(2, 0);
    ASSERT_EQ(gsi, platform::pci_intx_gsi(6, 0));
    EXPECT_EQ(a.intx_line(), gsi);
    EXPECT_EQ(b.intx_line(), gsi);
    EXPECT_FALSE(port.intx_line());
    a.raise(true);
    EXPECT_TRUE(world.platform.interrupts.lines[gsi]);
    b.raise(true);
    a.raise(false);
    EXPECT_TRUE(world.platform.interrupts.lines[gsi]);
    b.raise(false);
    EXPECT_FALSE(world.platform.interrupts.lines[gsi]);
}

TEST(RootPort, SecondaryBusResetResetsWhatIsBehind) {
    World world;
    RootPort& port = world.port("pci.1", "0x2");
    TestDevice& device = world.device("a", "pci.1", "0x0");
    world.host->assign_resources();
    ASSERT_FALSE(device.at.empty());
    static_cast<PciFunction&>(port).config_write(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 2);
    EXPECT_TRUE(device.at.empty());
    EXPECT_EQ(static_cast<PciFunction&>(device).config_read(PCI_COMMAND, 2), 0u);
}

TEST(RootPort, LinkIsDescribed) {
    World world;
    PciFunction& empty = world.port("pci.1", "0x2");
    PciFunction& full = world.port("pci.2", "0x2.1");
    world.device("a", "pci.2", "0x0");
    const uint32_t express = full.config_read(PCI_CAPABILITY_LIST, 1);
    EXPECT_EQ(full.config_read(express, 1), unsigned{PCI_CAP_ID_EXP});
    EXPECT_EQ(full.config_read(express + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE,
              unsigned{PCI_EXP_TYPE_ROOT_PORT << 4});
    EXPECT_EQ(full.config_read(express + PCI_EXP_SLTCAP, 4) >> 19, 3u);
    EXPECT_TRUE(full.config_read(express + PCI_EXP_SLTSTA, 2) & PCI_EXP_SLTSTA_PDS);
    EXPECT_FALSE(empty.config_read(express + PCI_EXP_SLTSTA, 2) & PCI_EXP_SLTSTA_PDS);
    EXPECT_TRUE(empty.config_read(PCI_HEADER_TYPE, 1) & 0x80);
}

TEST(RootPort, BadPropertiesAreNamed) {
    World world;
    try {
        RootPort port(DeviceConfig{"pcie-root-port", "pci.1", {{"port", "256"}}}, world.context);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(error.message().find("'pci.1': property port"), std::string::npos)
            << error.message();
    }
}

// What a new process is given: no descriptors, and this state.
struct Carried {
    explicit Carried(const state::StreamWriter& writer)
        : restored{state::StreamReader(writer.finish()), fds} {}
    state::IncomingFds fds;
    Restored restored;
};

// The whole hierarchy as it is.
std::unique_ptr<Carried> carry_over(World& world) {
    state::StreamWriter writer;
    world.host->save(writer);
    for (const auto& port : world.ports)
        port->save(writer);
    for (const auto& device : world.devices)
        device->save(writer);
    return std::make_unique<Carried>(writer);
}

TEST(PciRestore, NothingIsResetOrMoved) {
    World old;
    old.port("pci.1", "0x2");
    TestDevice& before = old.device("a", "pci.1", "0x0");
    old.host->assign_resources();
    static_cast<PciFunction&>(before).config_write(PCI_BASE_ADDRESS_0, 0xc8000000, 4);
    static_cast<PciFunction&>(before).config_write(PCI_INTERRUPT_LINE, 77, 1);
    std::array<uint8_t, 4> address{0x10, 0, 0, 0x80};
    old.platform.ports.write(0xcf8, address);
    before.raise(true);

    const auto carried = carry_over(old);
    World fresh(&carried->restored);
    fresh.port("pci.1", "0x2");
    TestDevice& after = fresh.device("a", "pci.1", "0x0");
    carried->restored.state.finish();
    EXPECT_EQ(after.at, before.at);
    EXPECT_EQ(fresh.ecam_read(1, 0, PCI_INTERRUPT_LINE, 1), 77u);
    std::array<uint8_t, 4> got{};
    fresh.platform.ports.read(0xcf8, got);
    EXPECT_EQ(got, address);
    for (uint32_t offset = 0; offset < 4096; offset += 4)
        ASSERT_EQ(fresh.ecam_read(1, 0, offset), old.ecam_read(1, 0, offset)) << offset;
    // And a reset that the guest asks for later works.
    after.reset();
    EXPECT_TRUE(after.at.empty());
    EXPECT_FALSE(fresh.platform.interrupts.lines[platform::pci_intx_gsi(2, 0)]);
}

TEST(PciRestore, OtherReadOnlyBytesAreRefused) {
    World old;
    TestDevice& before = old.device("a", "", "0x3");
    state::StreamWriter writer;
    TestState state;
    state.pci.config.resize(PciConfig::kSize);
    for (size_t i = 0; i < 64; ++i)
        state.pci.config[i] =
            static_cast<uint8_t>(static_cast<PciFunction&>(before).config_read(i, 1));
    state.pci.config[PCI_DEVICE_ID] ^= 1;
    old.host->save(writer);
    writer.add("a", state);
    Carried carried(writer);
    World fresh(&carried.restored);
    try {
        fresh.device("a", "", "0x3");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorruptState);
        EXPECT_NE(error.message().find("0x2"), std::string::npos) << error.message();
    }
}

TEST(PciRestore, MappingOutsideOfTheWindowsIsRefused) {
    World old;
    old.device("a", "", "0x3");
    old.host->assign_resources();
    state::StreamWriter writer;
    TestState state;
    for (size_t i = 0; i < PciConfig::kSize; ++i)
        state.pci.config.push_back(
            static_cast<uint8_t>(static_cast<PciFunction&>(*old.devices[0]).config_read(i, 1)));
    state.pci.mapped[0] = 0x100000;
    old.host->save(writer);
    writer.add("a", state);
    Carried carried(writer);
    World fresh(&carried.restored);
    EXPECT_THROW(fresh.device("a", "", "0x3"), Error);
}

TEST(PciFuzz, NoAccessThrowsOrBreaksTheInvariants) {
    World world;
    world.port("pci.1", "0x2");
    world.port("pci.2", "0x2.1");
    TestDevice& device = world.device("a", "pci.1", "0x0");
    world.host->assign_resources();
    std::mt19937 random(1);
    constexpr std::array<size_t, 4> kSizes{1, 2, 4, 8};
    for (int i = 0; i < 200000; ++i) {
        std::array<uint8_t, 8> bytes{};
        for (auto& byte : bytes)
            byte = static_cast<uint8_t>(random());
        const size_t size = kSizes[random() % 4];
        const uint64_t offset = (random() % 4) << 20 | (random() % 24) << 12 |
                                (random() % 4 ? random() % 256 : random() % 4096);
        const uint64_t address = platform::kEcamBase + offset;
        if (random() % 2)
            world.platform.mmio.write(address, std::span<const uint8_t>(bytes).first(size));
        else
            world.platform.mmio.read(address, std::span(bytes).first(size));
        const std::span<uint8_t> small = std::span(bytes).first(std::min<size_t>(size, 4));
        if (random() % 8 == 0)
            world.platform.ports.write(0xcf8 + random() % 5, small);
        for (const auto& [index, where] : device.at)
            ASSERT_EQ(device.mapped(index), where);
    }
    EXPECT_EQ(world.ecam_read(0, 0, 0), 0x00081b36u);
}

}  // namespace
}  // namespace cpr::vmm

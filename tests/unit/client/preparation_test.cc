// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/preparation.h"

#include <gtest/gtest.h>

#include "unit/client/support.h"

namespace cpr::client {
namespace {

const Preparation kQemu{"/usr/bin/virt-cpr-qemu", false};
const Preparation kCprVmm{"/usr/bin/virt-cpr-emulator", true};

// As libvirt writes it: the text is compared with what is restored.
std::string domain(const std::string& before_devices, const std::string& emulator) {
    return "<domain type=\"kvm\">\n  <name>g</name>\n" + before_devices + "  <devices>" + emulator +
           "<serial type=\"pty\"/></devices>\n</domain>";
}

const std::string kStock = "<emulator>/usr/bin/qemu-system-x86_64</emulator>";
const std::string kPlain = domain("", kStock);

bool has(const std::string& xml, const std::string& part) {
    return xml.find(part) != std::string::npos;
}

TEST(Preparation, ForQemuOnlyTheEmulatorIsChanged) {
    const std::string xml = prepare_xml(kPlain, kQemu);
    EXPECT_TRUE(has(xml, "<emulator>/usr/bin/virt-cpr-qemu</emulator>")) << xml;
    EXPECT_FALSE(has(xml, "memoryBacking>")) << xml;
    EXPECT_TRUE(has(xml, "emulator=\"/usr/bin/qemu-system-x86_64\"")) << xml;
}

TEST(Preparation, ForCprVmmMemoryIsShared) {
    const std::string xml = prepare_xml(kPlain, kCprVmm);
    EXPECT_TRUE(has(xml,
                    "<memoryBacking><source type=\"memfd\"/><access mode=\"shared\"/>"
                    "</memoryBacking>"))
        << xml;
}

TEST(Preparation, IsUndoneExactly) {
    for (const std::string& xml : {
             kPlain,
             domain("", ""),
             domain("<metadata/>", kStock),
             domain("<metadata>\n  <a:b xmlns:a=\"urn:x\">\n c</a:b>\n</metadata>\n", kStock),
             domain("<memoryBacking/>", kStock),
             domain("<memoryBacking>\n <hugepages/>\n</memoryBacking>", kStock),
             domain("<memoryBacking><source type=\"file\"/><access mode=\"private\"/>"
                    "</memoryBacking>",
                    kStock),
             domain("<memoryBacking><source type=\"memfd\"/><access mode=\"shared\"/>"
                    "</memoryBacking>",
                    kStock),
             domain("", "<emulator>/opt/a &amp; b</emulator>"),
         }) {
        for (const Preparation& preparation : {kQemu, kCprVmm}) {
            EXPECT_EQ(restore_xml(prepare_xml(xml, preparation)), xml);
        }
    }
}

TEST(Preparation, WhatElseIsChangedMeanwhileStays) {
    std::string xml = prepare_xml(kPlain, kCprVmm);
    xml.replace(xml.find("<name>g<"), 8, "<name>h<");
    xml.replace(xml.find("<memoryBacking>"), 15, "<memoryBacking><locked/>");
    const std::string restored = restore_xml(xml);
    EXPECT_TRUE(has(restored, "<name>h</name>")) << restored;
    EXPECT_TRUE(has(restored, "<memoryBacking><locked/></memoryBacking>")) << restored;
    EXPECT_FALSE(has(restored, "metadata")) << restored;
}

TEST(Preparation, TheHistoryGoesWithItAndThePolicyStays) {
    const std::string history =
        "<c:history xmlns:c=\"http://libvirt-cpr.org/xmlns/domain/history/1.0\"/>";
    std::string xml = prepare_xml(kPlain, kQemu);
    xml.insert(xml.find("</metadata>"), history);
    EXPECT_EQ(restore_xml(xml), kPlain);
    EXPECT_TRUE(has(prepare_xml(xml, kCprVmm), history));
    EXPECT_EQ(restore_xml(prepare_xml(xml, kCprVmm)), kPlain);
    const std::string policy =
        "<c:policy xmlns:c=\"http://libvirt-cpr.org/xmlns/domain/policy/1.0\" allowed=\"no\"/>";
    xml.insert(xml.find("</metadata>"), policy);
    EXPECT_TRUE(has(restore_xml(xml), "<metadata>" + policy + "</metadata>")) << restore_xml(xml);
}

TEST(Preparation, OfSomethingElseMadeOfItItIsNotUndone) {
    std::string other = prepare_xml(kPlain, kQemu);
    other.replace(other.find(">/usr/bin/virt-cpr-qemu<"), 24, ">/usr/bin/kvm<");
    EXPECT_EQ(code_of([&] { restore_xml(other); }), "invalid-state");
    std::string memory = prepare_xml(kPlain, kCprVmm);
    memory.replace(memory.find("\"memfd\""), 7, "\"file\"");
    EXPECT_EQ(code_of([&] { restore_xml(memory); }), "invalid-state");
    EXPECT_EQ(code_of([&] { restore_xml(kPlain); }), "invalid-state");
}

TEST(Preparation, TwiceIsOnce) {
    const std::string once = prepare_xml(kPlain, kQemu);
    EXPECT_EQ(prepare_xml(once, kQemu), once);
    const std::string other = prepare_xml(once, kCprVmm);
    EXPECT_EQ(other, prepare_xml(kPlain, kCprVmm));
    EXPECT_EQ(prepare_xml(other, kQemu), once);
    EXPECT_EQ(restore_xml(other), kPlain);
}

TEST(Preparation, OfADomainThatHasItAlreadyNothingIsRemembered) {
    const std::string xml = domain("", "<emulator>/usr/bin/virt-cpr-qemu</emulator>");
    EXPECT_EQ(prepare_xml(xml, kQemu), xml);
}

TEST(Preparation, DiffersInWhatItIsAbout) {
    const std::string qemu = prepare_xml(kPlain, kQemu);
    EXPECT_TRUE(differ_in_preparation(kPlain, qemu));
    EXPECT_FALSE(differ_in_preparation(qemu, qemu));
    EXPECT_FALSE(differ_in_preparation(kPlain, domain("<vcpu>2</vcpu>", kStock)));
    EXPECT_TRUE(differ_in_preparation(prepare_xml(kPlain, kCprVmm),
                                      domain("", "<emulator>" + kCprVmm.emulator + "</emulator>")));
}

TEST(Preparation, WhatIsNoDomainIsRefused) {
    for (const char* xml : {"", "<network/>", "<domain>", "\xff"}) {
        EXPECT_EQ(code_of([&] { prepare_xml(xml, kQemu); }), "invalid-argument") << xml;
    }
    std::string broken = prepare_xml(kPlain, kQemu);
    broken.replace(broken.find("cpr:original"), 12, "cpr:other");
    EXPECT_EQ(code_of([&] { restore_xml(broken); }), "invalid-argument");
}

TEST(Preparation, ReadsHowCapabilitiesAreAskedFor) {
    const DomainType type = domain_type(
        "<domain type='kvm'><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>");
    EXPECT_EQ(type.type, "kvm");
    EXPECT_EQ(type.architecture, "x86_64");
    EXPECT_EQ(type.machine, "q35");
    EXPECT_EQ(domain_type("<domain/>").machine, "");
}

TEST(Preparation, IsShownIndented) {
    EXPECT_EQ(pretty_xml("<domain><name> </name>\n\n<devices><a/></devices></domain>"),
              "<domain>\n  <name> </name>\n  <devices>\n    <a/>\n  </devices>\n</domain>");
}

}  // namespace
}  // namespace cpr::client

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the library does to a domain's XML, over libvirt's own test driver, and against the schema
// of what is in the metadata.
#include <gtest/gtest.h>
#include <libvirt-cpr/libvirt-cpr.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/history.h"
#include "tools/libvirt_session.h"

namespace cpr::tools {
namespace {

using nlohmann::json;

constexpr unsigned int kEverywhere = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;

std::string taken(char* text) {
    const std::string copy = text ? text : "";
    std::free(text);
    return copy;
}

// Whether all of ours in a domain's <metadata> is as the schema has it; what is wrong is printed.
bool is_valid(const std::string& domain_xml, int* count) {
    std::unique_ptr<xmlRelaxNGParserCtxt, decltype(&xmlRelaxNGFreeParserCtxt)> parser(
        xmlRelaxNGNewParserCtxt(SCHEMA), xmlRelaxNGFreeParserCtxt);
    std::unique_ptr<xmlRelaxNG, decltype(&xmlRelaxNGFree)> schema(xmlRelaxNGParse(parser.get()),
                                                                  xmlRelaxNGFree);
    std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> document(
        xmlReadMemory(domain_xml.data(), static_cast<int>(domain_xml.size()), nullptr, nullptr, 0),
        xmlFreeDoc);
    bool valid = schema && document;
    *count = 0;
    const auto children = [](xmlNode* node) { return node ? xmlFirstElementChild(node) : nullptr; };
    xmlNode* metadata = valid ? children(xmlDocGetRootElement(document.get())) : nullptr;
    while (metadata && !xmlStrEqual(metadata->name, BAD_CAST "metadata"))
        metadata = xmlNextElementSibling(metadata);
    for (xmlNode* element = children(metadata); element; element = xmlNextElementSibling(element)) {
        std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> alone(xmlNewDoc(BAD_CAST "1.0"), xmlFreeDoc);
        xmlDocSetRootElement(alone.get(), xmlDocCopyNode(element, alone.get(), 1));
        std::unique_ptr<xmlRelaxNGValidCtxt, decltype(&xmlRelaxNGFreeValidCtxt)> validation(
            xmlRelaxNGNewValidCtxt(schema.get()), xmlRelaxNGFreeValidCtxt);
        valid &= xmlRelaxNGValidateDoc(validation.get(), alone.get()) == 0;
        ++*count;
    }
    return valid;
}

void expect_valid(const std::string& domain_xml, int elements) {
    int count = 0;
    EXPECT_TRUE(is_valid(domain_xml, &count)) << domain_xml;
    EXPECT_EQ(count, elements) << domain_xml;
}

class DomainXml : public testing::Test {
  protected:
    DomainXml() : session_(test_driver()) {}

    static ConnectionOptions test_driver() {
        ConnectionOptions options;
        options.uri = "test:///default";
        return options;
    }

    void SetUp() override {
        ASSERT_TRUE(session_.open()) << virGetLastErrorMessage();
        domain_ = session_.find_domain("test");
        ASSERT_TRUE(domain_) << virGetLastErrorMessage();
    }

    std::string xml(unsigned int flags = VIR_DOMAIN_XML_INACTIVE) {
        return taken(virDomainGetXMLDesc(domain_.get(), flags));
    }

    int enable(const char* emulator, unsigned int flags, std::string* result = nullptr) {
        char* text = nullptr;
        const int restart = virDomainCprEnable(domain_.get(), emulator, &text, flags);
        EXPECT_GE(restart, 0) << virCprGetLastError()->message;
        const std::string copy = taken(text);
        if (result)
            *result = copy;
        return restart;
    }

    int set_policy(const char* name, const char* mode, int allowed, unsigned int flags) {
        virTypedParameterPtr params = nullptr;
        int count = 0, capacity = 0;
        virTypedParamsAddBoolean(&params, &count, &capacity, VIR_DOMAIN_CPR_POLICY_ALLOWED,
                                 allowed);
        virTypedParamsAddString(&params, &count, &capacity, name, mode);
        const int result = virDomainCprSetPolicy(domain_.get(), params, count, flags);
        virTypedParamsFree(params, count);
        return result;
    }

    bool allowed(unsigned int flags) {
        virTypedParameterPtr params = nullptr;
        int count = 0, value = 0;
        EXPECT_EQ(virDomainCprGetPolicy(domain_.get(), &params, &count, flags), 0);
        EXPECT_EQ(virTypedParamsGetBoolean(params, count, VIR_DOMAIN_CPR_POLICY_ALLOWED, &value),
                  1);
        virTypedParamsFree(params, count);
        return value;
    }

    void record(unsigned int generation) {
        client::record_update(
            domain_.get(),
            client::Job({{"job-id", generation},
                         {"status", "completed"},
                         {"check", false},
                         {"generation", generation},
                         {"ended", "2026-01-31T23:59:59Z"},
                         {"new", {{"binary", "/usr/bin/a & b"}, {"version", "10.0.2"}}},
                         {"pause", {{"total-ns", 12345}}}}));
    }

    LibvirtSession session_;
    Domain domain_;
};

TEST_F(DomainXml, IsAsBeforeAfterItWasEnabledAndDisabled) {
    const std::string before = xml();
    EXPECT_EQ(enable("/usr/bin/virt-cpr-emulator", VIR_DOMAIN_CPR_PREPARE_CPR_VMM), 1);
    EXPECT_NE(xml().find("<emulator>/usr/bin/virt-cpr-emulator</emulator>"), std::string::npos);
    EXPECT_NE(xml().find("<access mode='shared'/>"), std::string::npos) << xml();
    expect_valid(xml(), 1);
    EXPECT_EQ(enable("/usr/bin/virt-cpr-qemu", 0), 1);
    EXPECT_EQ(xml().find("<access mode='shared'/>"), std::string::npos) << xml();
    expect_valid(xml(), 1);
    EXPECT_EQ(virDomainCprDisable(domain_.get(), nullptr, 0), 0) << "the guest has run without it";
    EXPECT_EQ(xml(), before);
    EXPECT_EQ(virDomainCprDisable(domain_.get(), nullptr, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "invalid-state");
}

TEST_F(DomainXml, IsOnlyShownInADryRun) {
    const std::string before = xml();
    std::string shown;
    enable(nullptr, VIR_DOMAIN_CPR_PREPARE_DRY_RUN, &shown);
    EXPECT_NE(shown.find("/virt-cpr-qemu</emulator>"), std::string::npos) << shown;
    EXPECT_EQ(xml(), before);
    enable(nullptr, 0);
    const std::string enabled = xml();
    char* text = nullptr;
    ASSERT_EQ(virDomainCprDisable(domain_.get(), &text, VIR_DOMAIN_CPR_PREPARE_DRY_RUN), 0);
    EXPECT_EQ(taken(text).find("<emulator>"), std::string::npos);
    EXPECT_EQ(xml(), enabled);
}

TEST_F(DomainXml, OfATransientDomainIsNotEdited) {
    ASSERT_EQ(virDomainUndefine(domain_.get()), 0);
    EXPECT_EQ(virDomainCprEnable(domain_.get(), nullptr, nullptr, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "invalid-state");
}

TEST_F(DomainXml, HasThePolicy) {
    EXPECT_TRUE(allowed(0));
    ASSERT_EQ(set_policy(VIR_DOMAIN_CPR_POLICY_MODE, "exec", 0, kEverywhere), 0);
    EXPECT_FALSE(allowed(VIR_DOMAIN_AFFECT_LIVE));
    EXPECT_FALSE(allowed(VIR_DOMAIN_AFFECT_CONFIG));
    expect_valid(xml(), 1);
    expect_valid(xml(0), 1);
    EXPECT_EQ(virDomainCprUpdate(domain_.get(), nullptr, 0, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "not-allowed");
    EXPECT_EQ(virCprGetLastError()->code, VIR_ERR_OPERATION_DENIED);
    EXPECT_EQ(virDomainCprCheck(domain_.get(), nullptr, 0, nullptr, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "not-allowed");
    ASSERT_EQ(virDomainCprSetPolicy(domain_.get(), nullptr, 0, VIR_DOMAIN_AFFECT_LIVE), 0);
    EXPECT_TRUE(allowed(VIR_DOMAIN_AFFECT_LIVE));
    EXPECT_FALSE(allowed(VIR_DOMAIN_AFFECT_CONFIG));
    EXPECT_EQ(virDomainCprUpdate(domain_.get(), nullptr, 0, 0), -1);
    EXPECT_EQ(virCprGetLastError()->code, VIR_ERR_NO_SUPPORT) << "allowed, it comes to libvirt";
}

TEST_F(DomainXml, TakesNoPolicyThatIsNone) {
    EXPECT_EQ(set_policy(VIR_DOMAIN_CPR_POLICY_MODE, "fast", 1, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "invalid-argument");
    EXPECT_EQ(set_policy("sundays", "no", 1, 0), -1);
    EXPECT_STREQ(virCprGetLastErrorCode(), "invalid-argument");
}

TEST_F(DomainXml, HasTheHistory) {
    for (unsigned int generation = 1; generation <= 20; ++generation) {
        record(generation);
        record(generation);
    }
    ASSERT_EQ(set_policy(VIR_DOMAIN_CPR_POLICY_MODE, "auto", 0, kEverywhere), 0);
    expect_valid(xml(), 2);
    expect_valid(xml(0), 2);
    for (const unsigned int flags : {VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG}) {
        char* text = nullptr;
        EXPECT_EQ(virDomainCprGetHistory(domain_.get(), &text, nullptr, nullptr, flags), 16);
        const json history = json::parse(taken(text))["history"];
        EXPECT_EQ(history.back()["generation"], 20);
        EXPECT_EQ(history.back()["binary"], "/usr/bin/a & b");
        EXPECT_EQ(history.back()["pause-ns"], 12345);
    }
}

TEST_F(DomainXml, TheSchemaRefusesWhatIsNotOurs) {
    const auto with = [](const std::string& element) {
        return "<domain><metadata>" + element + "</metadata></domain>";
    };
    const std::string policy =
        "<p:policy xmlns:p='http://libvirt-cpr.org/xmlns/domain/policy/1.0' ";
    int count = 0;
    EXPECT_TRUE(is_valid(with(policy + "allowed='no' mode='exec' max-pause='5'/>"), &count));
    for (const char* attributes : {"allowed='maybe'", "mode='fast'", "max-pause='0'", "days='1'"}) {
        EXPECT_FALSE(is_valid(with(policy + attributes + "/>"), &count)) << attributes;
    }
}

}  // namespace
}  // namespace cpr::tools

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client/xml_document.h"

#include <libxml/parser.h>

#include <new>

#include "base/translate.h"
#include "client/call_error.h"

namespace cpr::client {

namespace {

// Of hostile XML nothing is fetched, and no entity replaced.
constexpr int kParseOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

const xmlChar* as_xml(const std::string& text) {
    return reinterpret_cast<const xmlChar*>(text.c_str());
}

std::string from_xml(const xmlChar* text) {
    return text ? reinterpret_cast<const char*>(text) : "";
}

std::string taken(xmlChar* text) {
    std::string copy = from_xml(text);
    xmlFree(text);
    return copy;
}

template <typename Pointer>
Pointer not_null(Pointer pointer) {
    if (!pointer) {
        throw std::bad_alloc();
    }
    return pointer;
}

std::string why(const xmlParserCtxt* context) {
    const xmlError* error = xmlCtxtGetLastError(const_cast<xmlParserCtxt*>(context));
    std::string text = error && error->message ? error->message : _("it has no content");
    return text.substr(0, text.find_last_not_of('\n') + 1);
}

std::string dump(xmlDoc* document, bool indented) {
    std::unique_ptr<xmlBuffer, decltype(&xmlBufferFree)> buffer(not_null(xmlBufferCreate()),
                                                                xmlBufferFree);
    xmlNodeDump(buffer.get(), document, xmlDocGetRootElement(document), 0, indented);
    return from_xml(xmlBufferContent(buffer.get()));
}

// Those beside elements or comments; a blank text that is all of an element's content stays.
void remove_blanks(xmlNode* element) {
    for (xmlNode* child = element->children; child;) {
        xmlNode* next = child->next;
        if (child->type == XML_ELEMENT_NODE) {
            remove_blanks(child);
        } else if (xmlIsBlankNode(child) && (child->prev || next)) {
            remove_element(child);
        }
        child = next;
    }
}

}  // namespace

XmlDocument::XmlDocument(const std::string& text, const std::string& what) {
    std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)> context(
        not_null(xmlNewParserCtxt()), xmlFreeParserCtxt);
    document_.reset(xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()),
                                      nullptr, nullptr, kParseOptions));
    if (!document_ || !root()) {
        throw CallError("invalid-argument",
                        format_text(_("{} is not understood: {}"), what, why(context.get())));
    }
}

XmlDocument XmlDocument::with_root(const std::string& name) {
    XmlDocument document(not_null(xmlNewDoc(as_xml("1.0"))));
    xmlNode* root =
        not_null(xmlNewDocNode(document.document_.get(), nullptr, as_xml(name), nullptr));
    xmlDocSetRootElement(document.document_.get(), root);
    return document;
}

xmlNode* XmlDocument::root() const {
    return xmlDocGetRootElement(document_.get());
}

std::string XmlDocument::text() const {
    return dump(document_.get(), false);
}

std::string XmlDocument::pretty_text() const {
    const XmlDocument copy(not_null(xmlCopyDoc(document_.get(), 1)));
    remove_blanks(copy.root());
    return dump(copy.document_.get(), true);
}

std::string name_of(const xmlNode* element) {
    return from_xml(element->name);
}

std::string namespace_of(const xmlNode* element) {
    return element->ns ? from_xml(element->ns->href) : "";
}

std::vector<xmlNode*> child_elements(const xmlNode* parent) {
    std::vector<xmlNode*> elements;
    for (xmlNode* child = parent->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE) {
            elements.push_back(child);
        }
    }
    return elements;
}

xmlNode* child_element(const xmlNode* parent, const std::string& name, const std::string& uri) {
    for (xmlNode* child : child_elements(parent)) {
        if (name_of(child) == name && namespace_of(child) == uri) {
            return child;
        }
    }
    return nullptr;
}

xmlNode* add_child(xmlNode* parent, const std::string& name, const std::string& text) {
    xmlNode* child = not_null(xmlNewTextChild(parent, nullptr, as_xml(name), nullptr));
    if (!text.empty()) {
        set_text(child, text);
    }
    return child;
}

void add_namespace(xmlNode* element, const std::string& uri, const std::string& prefix) {
    xmlSetNs(element, not_null(xmlNewNs(element, as_xml(uri), as_xml(prefix))));
}

void remove_element(xmlNode* element) {
    xmlUnlinkNode(element);
    xmlFreeNode(element);
}

std::optional<std::string> attribute(const xmlNode* element, const char* name) {
    xmlChar* value = xmlGetNoNsProp(element, as_xml(name));
    return value ? std::optional<std::string>(taken(value)) : std::nullopt;
}

void set_attribute(xmlNode* element, const char* name, const std::string& value) {
    not_null(xmlSetProp(element, as_xml(name), as_xml(value)));
}

std::set<std::string> attribute_names(const xmlNode* element) {
    std::set<std::string> names;
    for (const xmlAttr* found = element->properties; found; found = found->next) {
        names.insert(from_xml(found->name));
    }
    return names;
}

std::string text_of(const xmlNode* element) {
    return taken(xmlNodeGetContent(element));
}

void set_text(xmlNode* element, const std::string& text) {
    xmlNodeSetContent(element, nullptr);
    xmlNodeAddContent(element, as_xml(text));
}

}  // namespace cpr::client

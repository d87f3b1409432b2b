// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_XML_DOCUMENT_H
#define CPR_CLIENT_XML_DOCUMENT_H

#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cpr::client {

// A document of libxml2's, and what is asked of its elements. Nodes belong to the document.
class XmlDocument {
  public:
    // Throws CallError `invalid-argument`, which names `what`, if `text` is no XML.
    XmlDocument(const std::string& text, const std::string& what);

    // One with an element of that name alone.
    static XmlDocument with_root(const std::string& name);

    xmlNode* root() const;

    // Without a declaration. With spaces as they were read; `pretty`: as are easiest to read, which
    // takes the others away.
    std::string text() const;
    std::string pretty_text() const;

  private:
    struct Free {
        void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
    };

    explicit XmlDocument(xmlDoc* document) : document_(document) {}

    std::unique_ptr<xmlDoc, Free> document_;
};

std::string name_of(const xmlNode* element);
// The namespace's URI, or an empty text.
std::string namespace_of(const xmlNode* element);

std::vector<xmlNode*> child_elements(const xmlNode* parent);
// The first child of that name and namespace, or nullptr.
xmlNode* child_element(const xmlNode* parent, const std::string& name, const std::string& uri = "");

xmlNode* add_child(xmlNode* parent, const std::string& name, const std::string& text = "");
// Gives the element a namespace, declared on itself; children that are added get it as well.
void add_namespace(xmlNode* element, const std::string& uri, const std::string& prefix);
void remove_element(xmlNode* element);

std::optional<std::string> attribute(const xmlNode* element, const char* name);
void set_attribute(xmlNode* element, const char* name, const std::string& value);
// Of all attributes. Those of another namespace count by their local name.
std::set<std::string> attribute_names(const xmlNode* element);

std::string text_of(const xmlNode* element);
// Replaces all that the element contains.
void set_text(xmlNode* element, const std::string& text);

}  // namespace cpr::client

#endif  // CPR_CLIENT_XML_DOCUMENT_H

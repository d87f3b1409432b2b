// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/state_listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text_width.h"
#include "base/translate.h"

namespace cpr::tools {
namespace {

// A name as it can be shown on a terminal, whoever made it.
std::string shown(std::string name) {
    std::ranges::replace_if(
        name, [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return name;
}

// The width of a column: its heading's, or that of the longest of its texts.
size_t width_of(const std::string& heading, const std::vector<state::SectionInfo>& sections,
                std::string state::SectionInfo::*text) {
    size_t width = columns_of(heading);
    for (const state::SectionInfo& section : sections)
        width = std::max(width, (section.*text).size());
    return width;
}

}  // namespace

StateListing::StateListing(const std::vector<uint8_t>& stream)
    : header_(state::read_header(stream)) {
    for (const state::SectionView& section : state::cut_sections(stream)) {
        sections_.push_back(section.info);
        intact_.push_back(section.intact);
    }
}

bool StateListing::intact() const {
    return std::ranges::find(intact_, false) == intact_.end();
}

std::string StateListing::text() const {
    const std::string id = _("Id");
    const std::string kind = _("Kind");
    const size_t id_width = width_of(id, sections_, &state::SectionInfo::id);
    const size_t kind_width = width_of(kind, sections_, &state::SectionInfo::kind);
    const std::string version_heading = _("Version");
    const std::string length_heading = _("Length");
    const size_t version_width = std::max<size_t>(7, columns_of(version_heading));
    const size_t length_width = std::max<size_t>(8, columns_of(length_heading));
    std::string text =
        format_text(_("format {}, architecture {}, {} bytes, {} sections"), header_.format,
                    header_.architecture, header_.total_length, header_.sections) +
        "\n\n";
    const auto row = [&](const std::string& first, const std::string& second, const auto& version,
                         const auto& length, const char* content) {
        text += fmt::format(" {:<{}}   {:<{}}   {:>{}}   {:>{}}   {}\n", first, id_width, second,
                            kind_width, version, version_width, length, length_width, content);
    };
    row(id, kind, version_heading, length_heading, _("Checksum"));
    for (size_t i = 0; i < sections_.size(); ++i)
        row(shown(sections_[i].id), shown(sections_[i].kind), sections_[i].version,
            sections_[i].length, intact_[i] ? _("ok") : _("wrong"));
    return text;
}

std::string StateListing::json() const {
    nlohmann::json sections = nlohmann::json::array();
    for (size_t i = 0; i < sections_.size(); ++i)
        sections.push_back({{"id", sections_[i].id},
                            {"kind", sections_[i].kind},
                            {"version", sections_[i].version},
                            {"length", sections_[i].length},
                            {"intact", static_cast<bool>(intact_[i])}});
    const nlohmann::json listing{{"format", header_.format},
                                 {"architecture", header_.architecture},
                                 {"length", header_.total_length},
                                 {"sections", sections}};
    // Names that are no UTF-8 must not end the listing.
    return listing.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace cpr::tools

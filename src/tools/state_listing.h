// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_STATE_LISTING_H
#define CPR_TOOLS_STATE_LISTING_H

#include <cstdint>
#include <string>
#include <vector>

#include "state/stream.h"

namespace cpr::tools {

// What a state stream holds, for a reader.
class StateListing {
  public:
    // Throws Error kCorruptState if it is no state stream, or one that is damaged outside of the
    // sections' contents.
    explicit StateListing(const std::vector<uint8_t>& stream);

    // A table, or a JSON object; both end in a new line.
    std::string text() const;
    std::string json() const;
    // Whether all contents are as they were written.
    bool intact() const;

  private:
    state::Header header_;
    std::vector<state::SectionInfo> sections_;
    std::vector<bool> intact_;
};

}  // namespace cpr::tools

#endif

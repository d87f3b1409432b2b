// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_UPDATE_REQUEST_H
#define CPR_TOOLS_UPDATE_REQUEST_H

#include <string>

namespace cpr::tools {

inline constexpr const char* kUpdateCommandName = "update-in-place";

// What a user asks of update-in-place.
struct UpdateRequest {
    std::string domain;    // name, UUID or id
    std::string emulator;  // empty: the host's choice
    bool check = false;
    bool verbose = false;
    unsigned int timeout_seconds = 0;         // 0: as long as its steps may take
    unsigned int max_pause_milliseconds = 0;  // 0: no limit
    std::string mode = {};                    // empty: automatic
    bool async = false;                       // only start the update
    bool wait = false;                        // only wait for the one that is under way
    bool abort = false;                       // only cancel the one that is under way
    bool info = false;                        // only tell of the last update
    bool json = false;
    bool help = false;  // then nothing else counts
};

// The values of options. Throw Error(kInvalidArgument): of --timeout if it is no number of seconds
// above 0, of --max-pause if it is no number of milliseconds above 0.
unsigned int parse_timeout(const std::string& text);
unsigned int parse_max_pause(const std::string& text);
// Of an option that counts something, above 0.
unsigned int parse_count(const char* option, const std::string& text);

// Throws Error(kInvalidArgument) for options that exclude each other, and for a mode that is none.
void check_options(const UpdateRequest& request);

// Throws Error(kInvalidArgument) for all that is about an update, beside an option that updates
// nothing.
void refuse_beside(const char* option, const UpdateRequest& request);

}  // namespace cpr::tools

#endif

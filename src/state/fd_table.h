// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_STATE_FD_TABLE_H
#define CPR_STATE_FD_TABLE_H

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"

namespace cpr::state {

// What a descriptor is, as far as the kernel tells: "file", "memfd", "socket", "pipe", "dir",
// "char MAJOR:MINOR", or an anonymous inode's name such as "[eventfd]". Throws Error.
std::string fd_kind(int fd);

// The descriptors that an update carries over, by name and index. The numbers are written to a
// memfd of its own, never into the device state. Outgoing tables borrow their descriptors.
class OutgoingFds {
  public:
    // Throws Error kInternal if the name is taken, kSystem if the descriptor is not open.
    void add(std::string_view name, uint32_t index, int fd);
    // The table as it is handed to the new binary.
    std::vector<uint8_t> serialize() const;
    // Clears close-on-exec on all (directly before execve), or sets it again (when execve came
    // back). Setting never throws; clearing undoes itself before it throws Error.
    void set_inheritable(bool on) const;
    size_t size() const { return entries_.size(); }

    // A part of the table for somebody who holds the descriptors as well: [{"name", "index",
    // "kind"}], and duplicates in the same order. From entry `first` on, at most `count`.
    nlohmann::json share(size_t first, size_t count, std::vector<UniqueFd>& duplicates) const;

  private:
    struct Entry {
        std::string name;
        uint32_t index;
        int fd;
        std::string kind;
    };
    std::vector<Entry> entries_;
};

// The descriptors that came from the old binary: owned, close-on-exec from the first moment. Those
// who need one take a duplicate; the originals stay until the end, so that a load that fails can
// hand them all on, to the old binary.
class IncomingFds {
  public:
    IncomingFds() = default;
    // Checks that each is open, of the kind that it was, and named once. Throws Error
    // kCorruptState.
    explicit IncomingFds(std::span<const uint8_t> table);
    // For a rehearsal: only the names of a table whose descriptors are elsewhere. Those that are
    // taken are empty. Throws Error kCorruptState.
    static IncomingFds names_of(std::span<const uint8_t> table);

    bool has(std::string_view name, uint32_t index = 0) const;
    // A duplicate of one that nobody took yet. Throws Error kCorruptState if there is none.
    UniqueFd take(std::string_view name, uint32_t index = 0);
    // "name/index" of those that nobody took.
    std::vector<std::string> leftovers() const;
    // All may be taken again: whoever took them has given up.
    void reset();
    // Names all of them again, for another exec.
    void keep(OutgoingFds& fds) const;

  private:
    struct Entry {
        UniqueFd fd;
        bool taken = false;
    };
    void read(std::span<const uint8_t> table, bool names_only);
    void check(int fd, const std::string& kind, const Text& label) const;

    std::map<std::pair<std::string, uint32_t>, Entry> fds_;
};

// Names that more than one program must know: a monitor's socket is this and the id of its
// character device.
constexpr std::string_view kMonitorFdPrefix = "monitor-";

constexpr size_t kMaxFdTable = size_t{1} << 20;

}  // namespace cpr::state

#endif

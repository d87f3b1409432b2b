// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_FD_SETS_H
#define CPR_VMM_CHARDEV_FD_SETS_H

#include <map>
#include <string>
#include <vector>

#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// Descriptors that others gave us and that are kept for them over updates: QEMU's descriptor sets
// (-add-fd, add-fd), and those with a name (getfd). Main thread.
class FdSets : public CheckpointParticipant {
  public:
    struct Member {
        UniqueFd fd;
        std::string opaque;
    };
    struct State {
        static constexpr std::string_view kKind = "fd-sets";
        static constexpr uint16_t kVersion = 1;
        struct Entry {
            static constexpr bool kFielded = true;
            uint32_t set = 0;
            std::string opaque;
            template <typename Self, typename Archive>
            static void fields(Self& self, Archive& archive) {
                archive(self.set, self.opaque);
            }
        };
        std::vector<Entry> members;
        std::vector<std::string> names;
        template <typename Self, typename Archive>
        static void fields(Self& self, Archive& archive) {
            archive(self.members, self.names);
        }
    };
    static constexpr std::string_view kSection = "fd-sets";

    FdSets() = default;
    // Takes the descriptors of the command line. Throws Error if one is not open.
    void take(const std::vector<PassedFd>& passed);
    // Instead of take(): what the old binary had. Throws Error kCorruptState.
    void restore(Restored& restored);
    void save(state::StreamWriter& writer) const;
    void keep(state::OutgoingFds& fds) const override;

    // A duplicate of the set's descriptor that can be written. Throws Error.
    UniqueFd open_for_writing(int set) const;

    // Adds to a set; -1 makes a new one. Returns the set's number.
    int add(int set, UniqueFd fd, std::string opaque);
    // Removes one descriptor (by its number) or, with -1, all of a set. Throws Error.
    void remove(int set, int fd);
    const std::map<int, std::vector<Member>>& sets() const { return sets_; }

    // Replaces what has the name.
    void add_named(const std::string& name, UniqueFd fd);
    // Empty if there is none.
    UniqueFd take_named(const std::string& name);

  private:
    std::map<int, std::vector<Member>> sets_;
    std::map<std::string, UniqueFd> named_;
};

}  // namespace cpr::vmm

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_FACTORY_H
#define CPR_VMM_CHARDEV_FACTORY_H

#include "vmm/chardev/chardev.h"
#include "vmm/chardev/fd_sets.h"
#include "vmm/core/device.h"
#include "vmm/core/machine_config.h"

namespace cpr::vmm {

// Output that was under way when the chardevs were saved.
struct ChardevsState {
    static constexpr std::string_view kKind = "chardevs";
    static constexpr uint16_t kVersion = 1;
    struct Output {
        static constexpr bool kFielded = true;
        std::string id;
        std::vector<uint8_t> bytes;
        template <typename Self, typename Archive>
        static void fields(Self& self, Archive& archive) {
            archive(self.id, self.bytes);
        }
    };
    std::vector<Output> pending;
    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.pending);
    }
};

// Opens every -chardev but those that monitors use; with `restored`, around the descriptors that
// the old binary had, held, so that no user sees a change. Main thread. Throws Error, which names
// the character device.
Chardevs build_chardevs(const MachineConfig& config, EventLoop& loop, const FdSets& fd_sets,
                        Restored* restored);

// The section that save_chardevs() writes.
state::SectionInfo chardevs_section();

// Saves what build_chardevs() restores beside the descriptors.
void save_chardevs(const Chardevs& chardevs, state::StreamWriter& writer);

}  // namespace cpr::vmm

#endif

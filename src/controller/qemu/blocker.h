// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_BLOCKER_H
#define CPR_CONTROLLER_QEMU_BLOCKER_H

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocker.h"

namespace cpr::controller::qemu {

// The stable ids of docs/errors.md; a test compares the two lists.
constexpr const char* kBitmapBlocker = "qemu-bitmap-not-persistent";
constexpr const char* kCommandLineBlocker = "qemu-command-line-unknown";
constexpr const char* kCommandPendingBlocker = "qemu-command-pending";
constexpr const char* kCommandUnknownBlocker = "qemu-command-unknown";
constexpr const char* kConfidentialBlocker = "qemu-confidential-guest";
constexpr const char* kDescriptorBlocker = "qemu-descriptor-unknown";
constexpr const char* kCharacterDeviceBlocker = "qemu-character-device";
constexpr const char* kDisplayBlocker = "qemu-display";
constexpr const char* kExecDeviceBlocker = "qemu-exec-device";
constexpr const char* kExportBlocker = "qemu-disk-exported";
constexpr const char* kHumanMonitorBlocker = "qemu-human-monitor";
constexpr const char* kInactiveBlocker = "qemu-disk-inactive";
constexpr const char* kJobBlocker = "qemu-job-running";
constexpr const char* kMdevBlocker = "qemu-mdev";
constexpr const char* kMemoryBlocker = "memory-not-shared";
constexpr const char* kNetworkBlocker = "qemu-network";
constexpr const char* kNotReproducibleBlocker = "qemu-not-reproducible";
constexpr const char* kOtherMonitorBlocker = "qemu-other-monitor";
constexpr const char* kStateDiffersBlocker = "qemu-state-differs";
constexpr const char* kTapBlocker = "qemu-tap";
constexpr const char* kTooOldBlocker = "qemu-too-old";
constexpr const char* kTpmBlocker = "qemu-tpm";
constexpr const char* kVhostBlocker = "qemu-vhost";

// For what only a new process of QEMU's can get rid of.
constexpr const char* kRestartRemedy = N_("shut the guest down and start it anew");

// Blockers that come and go with what causes them, each under a key of its cause: it is in the list
// once, however often it is set.
class BlockerList {
  public:
    void set(const std::string& key, Blocker blocker);
    void clear(const std::string& key);
    // Those whose key begins so.
    void clear_all(std::string_view prefix);
    bool has(const std::string& key) const { return blockers_.contains(key); }
    size_t count() const { return blockers_.size(); }
    // In the order of their keys.
    std::vector<Blocker> all() const;

  private:
    std::map<std::string, Blocker, std::less<>> blockers_;
};

}  // namespace cpr::controller::qemu

#endif

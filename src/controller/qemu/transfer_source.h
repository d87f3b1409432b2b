// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_TRANSFER_SOURCE_H
#define CPR_CONTROLLER_QEMU_TRANSFER_SOURCE_H

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "controller/vmm_calls.h"

namespace cpr::controller::qemu {

// Gives a QEMU what a transfer takes of migration capabilities, and no other. Throws Error.
void set_transfer_capabilities(VmmCalls& calls, std::chrono::milliseconds deadline);

// The running QEMU as the source of a transfer to another one (QEMU's docs/devel/migration/CPR.rst,
// cpr-transfer). With return-path, so that it knows how the other fared, and goes on if that
// failed. On the update job's thread; all throw Error.
class TransferSource {
  public:
    TransferSource(VmmCalls& calls, std::chrono::milliseconds query)
        : calls_(calls), query_(query) {}

    // Sends the guest's descriptors to the listener at `channel`. The guest runs on until the other
    // QEMU listens at `main`.
    void begin(const std::string& channel, const std::string& main);
    // After the other QEMU's end: the guest is this one's again, and runs if it ran. `deadline` is
    // for the migration's end.
    void take_back(bool was_running, std::chrono::milliseconds deadline);

  private:
    std::string migration_status();
    void end_migration(std::chrono::milliseconds deadline);
    bool is_running_when_settled(std::chrono::milliseconds deadline);
    void restore_settings();

    VmmCalls& calls_;
    std::chrono::milliseconds query_;
    // As they were.
    nlohmann::json capabilities_;
    bool changed_ = false;
};

// Where the guest's state is sent to, as migrate and migrate-incoming have it.
nlohmann::json migration_channel(const std::string& type, const std::string& path);

}  // namespace cpr::controller::qemu

#endif

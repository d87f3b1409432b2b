// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_MIGRATION_SOURCE_H
#define CPR_CONTROLLER_QEMU_MIGRATION_SOURCE_H

#include <chrono>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/vmm_calls.h"

namespace cpr::controller::qemu {

// Gives a QEMU what a transfer takes of migration capabilities, and no other. Throws Error.
void set_transfer_capabilities(VmmCalls& calls, std::chrono::milliseconds deadline);

// The same for a state that goes to a file, from where nothing comes back. Throws Error.
void set_exec_capabilities(VmmCalls& calls, std::chrono::milliseconds deadline);

// Whether a QEMU describes a guest's state in JSON behind it ("suppress-vmdesc" of a machine). That
// is for those who look into a saved state; in a transfer nobody sees it, and it takes a tenth of
// the pause. A QEMU that loads waits for what it expects. Throws Error.
void set_describing(VmmCalls& calls, bool describing, std::chrono::milliseconds deadline);

// Whether a command would do no more than these have done.
bool sets_as_for_transfer(const nlohmann::json& command);
bool sets_as_for_exec(const nlohmann::json& command);

// The running QEMU as it saves its guest for another, or for another program in its process (QEMU's
// docs/devel/migration/CPR.rst, cpr-transfer and cpr-exec). On the update job's thread; all throw
// Error.
class MigrationSource {
  public:
    MigrationSource(VmmCalls& calls, std::chrono::milliseconds query)
        : calls_(calls), query_(query) {}

    // Sends the guest's descriptors to the listener at `channel`. The guest runs on until the other
    // QEMU listens at `main`. With return-path, so that it knows how the other fared, and goes on
    // if that failed. The other must not expect a description if has_silenced_description().
    void begin_transfer(const std::string& channel, const std::string& main);
    bool has_silenced_description() const { return silenced_; }
    // What it is to execute when it has saved the guest.
    void prepare_exec(const std::vector<std::string>& command);
    // Saves the guest to that descriptor, opened for writing alone, and executes.
    void begin_exec(int state);
    // After the other QEMU's end, or if there never was one: the guest is this one's again, and
    // runs if it ran. `deadline` is for the migration's end.
    void take_back(bool was_running, std::chrono::milliseconds deadline);

  private:
    std::string migration_status();
    void silence_description();
    void set_capabilities(std::span<const std::string_view> needed);
    void end_migration(std::chrono::milliseconds deadline);
    bool is_running_when_settled(std::chrono::milliseconds deadline);
    void restore_settings();

    VmmCalls& calls_;
    std::chrono::milliseconds query_;
    // As they were, and which of them are on now.
    nlohmann::json capabilities_;
    std::span<const std::string_view> needed_;
    bool changed_ = false;
    bool execs_ = false;
    bool silenced_ = false;
    // The set that the descriptor is in.
    nlohmann::json state_set_;
};

// Where the guest's state is sent to, as migrate and migrate-incoming have it.
nlohmann::json migration_channel(const std::string& type, const std::string& path);

}  // namespace cpr::controller::qemu

#endif

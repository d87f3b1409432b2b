// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_VFIO_MESSAGE_INTERRUPTS_H
#define CPR_VMM_VFIO_MESSAGE_INTERRUPTS_H

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "state/fd_table.h"
#include "vmm/core/interrupts.h"
#include "vmm/vfio/vfio_api.h"

namespace cpr::vmm {

// What the kernel signals for a device with message-signalled interrupts.
struct ArmedVectors {
    static constexpr bool kFielded = true;
    std::vector<uint8_t> events;  // by vector: 1 if it has an eventfd that the kernel signals
    uint32_t armed = 0;           // vectors that the kernel has enabled; 0: interrupts are off

    template <typename Self, typename Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.events, self.armed);
    }
};

// The message-signalled interrupts of a passthrough device, MSI or MSI-X: the kernel signals an
// eventfd per vector, and KVM turns that into the guest's message for as long as the vector is to
// be delivered. While it is masked, or detached for a checkpoint, the signal stays in the eventfd,
// which so is the pending bit. Where the guest programs the messages is the derived class's.
// Calls need the machine lock.
class MessageInterrupts {
  public:
    // `device` is the VFIO device, `index` its interrupt index, `name` what errors call it, and
    // `fd_name` what its descriptors are called over an update.
    struct Setup {
        VfioApi& api;
        InterruptController& interrupts;
        int device;
        uint32_t index;
        std::string name;
        std::string fd_name;
        uint32_t vectors;
    };
    virtual ~MessageInterrupts() = default;
    MessageInterrupts(const MessageInterrupts&) = delete;
    MessageInterrupts& operator=(const MessageInterrupts&) = delete;

    // The eventfds of a saved state by vector, empty for one that had none. Throws Error
    // kCorruptState.
    static std::vector<UniqueFd> take(const ArmedVectors& state, const std::string& fd_name,
                                      state::IncomingFds& fds);

    uint32_t vectors() const { return static_cast<uint32_t>(vectors_.size()); }
    // The kernel signals the vector.
    bool is_armed(uint32_t vector) const { return state_.events[vector]; }
    // An interrupt waits for the vector to be unmasked.
    bool is_pending(uint32_t vector) const;

    // Takes all interrupts from the kernel. Never throws.
    void disarm();

    void keep(state::OutgoingFds& fds) const;
    void detach();
    // Throws Error.
    void attach();

  protected:
    struct Message {
        uint64_t address;
        uint32_t data;
    };

    // At a restore `fds` has the eventfds of `state`, and nothing is attached until attach().
    // Throws Error kCorruptState.
    MessageInterrupts(Setup setup, ArmedVectors& state, state::IncomingFds* fds);

    // What the vector delivers now; nothing while it is masked or off.
    virtual std::optional<Message> message(uint32_t vector) const = 0;

    // Gives one vector its eventfd, and the kernel's consent to signal it. Throws Error.
    void arm(uint32_t vector);
    // Does so for `count` vectors at once, or for as many as the host has. Nothing is armed yet.
    void arm_first(uint32_t count);
    // Brings a vector in line with its message after something has changed. Never throws.
    void apply(uint32_t vector);
    void apply_all();

    // Says why interrupts do not work, once: a guest may try as often as it likes.
    void complain(const std::string& what, const std::string& reason);

  private:
    struct Vector {
        UniqueFd event;
        std::unique_ptr<MsiRoute> route;
        bool attached = false;
    };

    uint32_t set(uint32_t start, uint32_t count);
    void connect(uint32_t vector, const Message& message);
    void disconnect(uint32_t vector);

    Setup setup_;
    ArmedVectors& state_;
    bool resizable_;
    bool detached_;  // for a checkpoint, or not yet attached at a restore
    std::vector<Vector> vectors_;
    std::set<std::string> complaints_;
};

}  // namespace cpr::vmm

#endif

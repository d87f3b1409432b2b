// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_DEVICE_H
#define CPR_VMM_CORE_DEVICE_H

#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "state/fd_table.h"
#include "state/stream.h"
#include "vmm/chardev/chardev.h"
#include "vmm/checkpoint/blockers.h"
#include "vmm/checkpoint/participant.h"

namespace cpr::vmm {

namespace acpi {
struct Config;
}

class Bus;
class Doorbells;
class InterruptController;
class Machine;
class MemoryMap;
class PciHost;
class VfioManager;

// What the new binary got from the old one. Devices take their parts out of it.
struct Restored {
    state::StreamReader state;
    state::IncomingFds& fds;
    // It is a copy of the state of a guest that runs elsewhere: whoever comes to KVM, VFIO or a
    // descriptor stops there. Descriptors are taken by their names, and are empty.
    bool rehearsal = false;
};

// What a device asks of the machine.
class PlatformRequests {
  public:
    virtual ~PlatformRequests() = default;
    // The machine acts on these later, on the main thread. Any thread that holds the machine lock.
    virtual void request_reset() = 0;
    virtual void request_shutdown() = 0;
    // The guest's kernel has given up: the machine stops it at once. Main thread, without the lock.
    virtual void report_panic() = 0;
};

// What a device is built with. The references outlive every device.
struct DeviceContext {
    EventLoop& loop;
    MemoryMap& memory;
    Bus& ports;
    Bus& mmio;
    InterruptController& interrupts;
    Doorbells& doorbells;
    Blockers& blockers;
    Chardevs& chardevs;
    PlatformRequests& requests;
    PciHost* pci = nullptr;        // for PCI devices: the root complex
    VfioManager* vfio = nullptr;   // for vfio-pci: the container
    Restored* restored = nullptr;  // null at a cold start
};

// A device of the guest. It is a StatelessDevice or a StatefulDevice, or a NotMigratableDevice with
// a reason: there is no default. `id` is unique and stable over updates; it names the state
// section.
class Device : public CheckpointParticipant {
  public:
    explicit Device(std::string id) : id_(std::move(id)) {}
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    const std::string& id() const { return id_; }
    // The guest's platform reset: back to the state after power-on. vCPUs are stopped.
    virtual void reset() = 0;
    // Puts into the ACPI tables what the guest cannot find by itself.
    virtual void describe(acpi::Config&) const {}
    virtual void save(state::StreamWriter& writer) const = 0;
    // The state sections that save() would write now, without their content: what the new binary
    // must know. Machine lock.
    virtual std::vector<state::SectionInfo> sections() const = 0;

  private:
    std::string id_;
};

// Has nothing that outlives an access.
class StatelessDevice : public Device {
  public:
    using Device::Device;
    void save(state::StreamWriter&) const final {}
    std::vector<state::SectionInfo> sections() const final { return {}; }
};

// Its guest-visible values are all in `state_`, a struct with one list of fields (state/archive.h).
// At a restore `state_` comes, validated, from the stream; the constructor of the derived class
// then builds around it (restored() tells). Before a save refresh() may bring `state_` up to date.
template <state::Fielded State>
class StatefulDevice : public Device {
  public:
    StatefulDevice(std::string id, const DeviceContext& context)
        : Device(std::move(id)), restored_(context.restored != nullptr) {
        if (context.restored)
            state_ = context.restored->state.template take<State>(this->id());
    }
    void save(state::StreamWriter& writer) const final { writer.add(id(), snapshot()); }
    std::vector<state::SectionInfo> sections() const final {
        if constexpr (state::kVersionVaries<State>)
            return {state::section_info(id(), snapshot())};
        else
            return {state::section_info<State>(id())};
    }

  protected:
    bool restored() const { return restored_; }
    // The state to save; overridden by devices that must ask the kernel or a clock for a part.
    virtual State snapshot() const { return state_; }

    State state_{};

  private:
    bool restored_;
};

// Cannot be carried over: blocks updates for as long as it is there.
class NotMigratableDevice : public Device {
  public:
    NotMigratableDevice(std::string id, const DeviceContext& context, Blocker blocker)
        : Device(std::move(id)), registration_(context.blockers.add(std::move(blocker))) {}
    void save(state::StreamWriter&) const final {}
    std::vector<state::SectionInfo> sections() const final { return {}; }

  private:
    Blockers::Registration registration_;
};

}  // namespace cpr::vmm

#endif

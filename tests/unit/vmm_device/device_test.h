// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_UNIT_VMM_DEVICE_DEVICE_TEST_H
#define CPR_UNIT_VMM_DEVICE_DEVICE_TEST_H

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fakes/fake_platform.h"
#include "vmm/chardev/chardev.h"
#include "vmm/core/bus.h"
#include "vmm/core/device.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm {

// What a platform device sees of its machine, written down for the test to look at.
struct Lines : InterruptController {
    void set_line(uint32_t gsi, bool level) override { levels[gsi] = level; }
    void attach_line(uint32_t, int, int) override {}
    void detach_line(uint32_t, int) override {}
    std::unique_ptr<MsiRoute> make_msi_route() override { return nullptr; }
    void add_vfio_group(int) override {}
    void remove_vfio_group(int) override {}
    std::map<uint32_t, bool> levels;
};

struct NoSlots : MemorySlots {
    void set_slot(uint32_t, const MemoryRegion&) override {}
    void clear_slot(uint32_t) override {}
};

// A line that ends in the test.
class TestChardev : public Chardev {
  public:
    using Chardev::Chardev;
    void write(std::span<const uint8_t> data) override { output.append(data.begin(), data.end()); }
    void set_receiver(Receiver receiver) override { receiver_ = std::move(receiver); }
    std::string filename() const override { return "test"; }
    // Types as much of the text as the receiver takes, and returns how much that was.
    size_t type(std::string_view text) {
        const size_t count = std::min(text.size(), receiver_.room());
        const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
        receiver_.receive({bytes, count});
        return count;
    }
    std::string output;

  private:
    Receiver receiver_;
};

class DeviceTest : public testing::Test {
  protected:
    uint64_t in(uint64_t port, size_t size = 1) {
        uint64_t value = 0;
        ports_.read(port, {reinterpret_cast<uint8_t*>(&value), size});
        return value;
    }
    void out(uint64_t port, uint64_t value, size_t size = 1) {
        ports_.write(port, {reinterpret_cast<const uint8_t*>(&value), size});
    }
    // The device's state as it arrives in another program.
    std::unique_ptr<Restored> saved(const Device& device) {
        state::StreamWriter writer;
        device.save(writer);
        return std::make_unique<Restored>(Restored{state::StreamReader(writer.finish()), fds_});
    }
    DeviceContext restoring(Restored& restored) {
        DeviceContext context = context_;
        context.restored = &restored;
        return context;
    }

    EventLoop loop_;
    NoSlots slots_;
    MemoryMap memory_{slots_};
    Bus ports_;
    Bus mmio_;
    Lines lines_;
    fakes::FakeDoorbells doorbells_;
    Blockers blockers_;
    Chardevs chardevs_;
    fakes::FakeRequests requests_;
    state::IncomingFds fds_;
    DeviceContext context_{.loop = loop_,
                           .memory = memory_,
                           .ports = ports_,
                           .mmio = mmio_,
                           .interrupts = lines_,
                           .doorbells = doorbells_,
                           .blockers = blockers_,
                           .chardevs = chardevs_,
                           .requests = requests_};
};

}  // namespace cpr::vmm

#endif

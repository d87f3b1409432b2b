// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_UNIT_VMM_MACHINE_WORLD_H
#define CPR_UNIT_VMM_MACHINE_WORLD_H

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fakes/fake_kvm.h"
#include "fakes/fake_vfio.h"
#include "unit/vmm/boot_image.h"
#include "unit/vmm/quiet_chardev.h"
#include "vmm/core/machine.h"

namespace cpr::vmm {

// A machine with 2 vCPUs, 64 MiB and a serial port, on a fake KVM.
class MachineWorld : public testing::Test {
  protected:
    MachineWorld();
    ~MachineWorld() override;

    std::string write_file(const std::string& name, const std::vector<uint8_t>& content);
    // Builds `machine`, cold or around what came from an old binary.
    void make(Restored* restored = nullptr);
    std::vector<uint8_t> save();
    // The descriptors that `machine` keeps, as a new binary gets them.
    state::IncomingFds kept();

    // Lets a vCPU write a byte to a port.
    void push_out(uint32_t vcpu, uint64_t port, int value);
    // Runs the loop until a condition holds, or for ten seconds.
    template <typename Condition>
    void wait(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition() && std::chrono::steady_clock::now() < end) {
            const EventSource tick = loop.after(std::chrono::milliseconds(1), [] {});
            loop.iterate(true);
        }
    }

    // The guest's memory, through the descriptor that is carried over.
    void read_ram(uint64_t gpa, void* to, size_t size);
    void write_ram(uint64_t gpa, const void* from, size_t size);
    template <typename T>
    T ram(uint64_t gpa) {
        T value{};
        read_ram(gpa, &value, sizeof(value));
        return value;
    }
    template <typename T>
    void poke_ram(uint64_t gpa, T value) {
        write_ram(gpa, &value, sizeof(value));
    }
    std::string ram_text(uint64_t gpa);

    EventLoop loop;
    Blockers blockers;
    Chardevs chardevs;
    fakes::FakeKvmWorld kvm;
    MachineConfig config;
    QuietChardev* chardev = nullptr;
    std::vector<std::string> events;
    std::function<void()> on_entry = [] {};
    std::unique_ptr<Machine> machine;

  private:
    std::filesystem::path folder_;
};

}  // namespace cpr::vmm

#endif

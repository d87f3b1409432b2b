// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TESTS_FAKES_FAKE_PLATFORM_H
#define CPR_TESTS_FAKES_FAKE_PLATFORM_H

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/event_loop.h"
#include "vmm/core/bus.h"
#include "vmm/core/device.h"
#include "vmm/core/doorbells.h"
#include "vmm/core/interrupts.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm::fakes {

// Memory slots that only count.
class FakeSlots final : public MemorySlots {
  public:
    void set_slot(uint32_t slot, const MemoryRegion&) override { used.insert(slot); }
    void clear_slot(uint32_t slot) override { used.erase(slot); }
    std::set<uint32_t> used;
};

// An interrupt controller that keeps what it was told. deliver() does what KVM's irqfds do.
class FakeInterrupts final : public InterruptController {
  public:
    struct Message {
        uint64_t address;
        uint32_t data;
        bool operator==(const Message&) const = default;
    };
    class Route final : public MsiRoute {
      public:
        explicit Route(FakeInterrupts& owner) : owner_(owner) { owner_.routes.insert(this); }
        ~Route() override { owner_.routes.erase(this); }
        void set(uint64_t address, uint32_t data) override { message = {address, data}; }
        void attach(int eventfd) override {
            if (owner_.refused_attaches != 0) {
                --owner_.refused_attaches;
                throw Error(ErrorCode::kSystem, "no irqfd");
            }
            fd = eventfd;
            consume();
        }
        void detach() override {
            consume();
            fd = -1;
        }
        void trigger() override { owner_.delivered.push_back(message); }
        void consume() {
            if (take(fd))
                trigger();
        }
        Message message{};
        int fd = -1;

      private:
        FakeInterrupts& owner_;
    };

    // A level-triggered interrupt that KVM takes from an eventfd.
    struct Line {
        uint32_t gsi;
        int fd;
        int resample;
    };

    void set_line(uint32_t gsi, bool level) override { lines[gsi] = level; }
    void attach_line(uint32_t gsi, int eventfd, int resample) override {
        if (refuses_lines)
            throw Error(ErrorCode::kSystem, "no line");
        level_lines.push_back({gsi, eventfd, resample});
        deliver_lines();
    }
    // The level goes with the last one that could raise the line.
    void detach_line(uint32_t gsi, int eventfd) override {
        deliver_lines();
        std::erase_if(level_lines, [&](const Line& line) { return line.fd == eventfd; });
        if (std::ranges::count(level_lines, gsi, &Line::gsi) == 0)
            raised.erase(gsi);
    }
    void deliver_lines() {
        for (const Line& line : level_lines)
            if (take(line.fd))
                raised.insert(line.gsi);
    }
    // The guest ends an interrupt of the line.
    void end_interrupt(uint32_t gsi) {
        raised.erase(gsi);
        const uint64_t one = 1;
        for (const Line& line : level_lines)
            if (line.gsi == gsi && write(line.resample, &one, sizeof(one)) != sizeof(one))
                throw Error(ErrorCode::kSystem, "no resample");
    }
    // Takes a signal that is there.
    static bool take(int fd) {
        uint64_t count = 0;
        pollfd poll_fd{fd, POLLIN, 0};
        return fd >= 0 && poll(&poll_fd, 1, 0) == 1 && read(fd, &count, sizeof(count)) > 0;
    }
    std::unique_ptr<MsiRoute> make_msi_route() override { return std::make_unique<Route>(*this); }
    void add_vfio_group(int group_fd) override { groups.insert(group_fd); }
    void remove_vfio_group(int group_fd) override { groups.erase(group_fd); }

    void deliver() {
        for (Route* route : routes)
            route->consume();
    }
    size_t attached() const {
        size_t count = 0;
        for (const Route* route : routes)
            count += route->fd >= 0;
        return count;
    }

    std::map<uint32_t, bool> lines;
    std::vector<Line> level_lines;
    std::set<uint32_t> raised;  // lines that an eventfd has raised
    bool refuses_lines = false;
    int refused_attaches = 0;  // of those to come
    std::set<int> groups;
    std::set<Route*> routes;
    std::vector<Message> delivered;
};

// Doorbells that the test rings.
class FakeDoorbells final : public Doorbells {
  public:
    struct Bell final : Doorbell {
        Bell(FakeDoorbells& doorbells, const DoorbellWrite& its_write, std::function<void()> told)
            : owner(doorbells), write(its_write), on_ring(std::move(told)) {
            owner.bells.insert(this);
        }
        ~Bell() override { owner.bells.erase(this); }
        bool rung() const override { return is_rung; }
        void ring() override { is_rung = true; }
        void clear() override { is_rung = false; }

        FakeDoorbells& owner;
        const DoorbellWrite write;
        const std::function<void()> on_ring;
        bool is_rung = false;
    };

    std::unique_ptr<Doorbell> make(const DoorbellWrite& write,
                                   std::function<void()> on_ring) override {
        return std::make_unique<Bell>(*this, write, std::move(on_ring));
    }
    // What the guest's write does; returns whether it is for a doorbell.
    bool write(uint16_t port, uint32_t size, uint32_t value) {
        bool found = false;
        for (Bell* bell : bells)
            if (bell->write.port == port && bell->write.size == size &&
                bell->write.value == value) {
                bell->ring();
                found = true;
            }
        return found;
    }
    // What the main thread does when it looks.
    void deliver() {
        for (Bell* bell : bells)
            if (bell->rung()) {
                bell->clear();
                bell->on_ring();
            }
    }
    std::set<Bell*> bells;
};

class FakeRequests final : public PlatformRequests {
  public:
    void request_reset() override { ++resets; }
    void request_shutdown() override { ++shutdowns; }
    void report_panic() override { ++panics; }
    int resets = 0;
    int shutdowns = 0;
    int panics = 0;
};

// What a machine gives its devices, without KVM.
struct FakePlatform {
    EventLoop loop;
    FakeSlots slots;
    MemoryMap memory{slots};
    Bus ports;
    Bus mmio;
    FakeInterrupts interrupts;
    FakeDoorbells doorbells;
    Blockers blockers;
    Chardevs chardevs;
    FakeRequests requests;

    DeviceContext context(Restored* restored = nullptr) {
        return {.loop = loop,
                .memory = memory,
                .ports = ports,
                .mmio = mmio,
                .interrupts = interrupts,
                .doorbells = doorbells,
                .blockers = blockers,
                .chardevs = chardevs,
                .requests = requests,
                .restored = restored};
    }
};

}  // namespace cpr::vmm::fakes

#endif

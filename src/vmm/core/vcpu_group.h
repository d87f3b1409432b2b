// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_VCPU_GROUP_H
#define CPR_VMM_CORE_VCPU_GROUP_H

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "vmm/core/kvm_api.h"
#include "vmm/core/machine.h"

namespace cpr::vmm {

// What vCPU threads need done when the guest leaves KVM. Called on vCPU threads without any lock;
// must not throw.
class VcpuExits {
  public:
    virtual ~VcpuExits() = default;
    virtual void port_read(uint16_t port, std::span<uint8_t> data) = 0;
    virtual void port_write(uint16_t port, std::span<const uint8_t> data) = 0;
    virtual void mmio_read(uint64_t address, std::span<uint8_t> data) = 0;
    virtual void mmio_write(uint64_t address, std::span<const uint8_t> data) = 0;
    // A triple fault: the platform resets. The vCPU waits until it is stopped.
    virtual void guest_reset() = 0;
    // KVM cannot go on. The vCPU waits until it is stopped.
    virtual void failed(uint32_t vcpu, const std::string& reason) = 0;
};

// The vCPUs and their threads, one each, named "CPU N/KVM". They begin stopped. A vCPU stops only
// between two instructions: an access that the guest has under way is finished first.
class VcpuGroup {
  public:
    explicit VcpuGroup(VcpuExits& exits);
    ~VcpuGroup();
    VcpuGroup(const VcpuGroup&) = delete;
    VcpuGroup& operator=(const VcpuGroup&) = delete;

    // Adds the next vCPU and starts its thread. Main thread; throws Error.
    void add(std::unique_ptr<KvmVcpu> vcpu);

    // Lets all run, and returns when each is about to enter the guest. Main thread.
    void start();
    // Stops all, and returns when none is in the guest any more. Main thread, without the machine
    // lock.
    void stop();
    // Asks all to stop, and returns at once. Any thread.
    void request_stop();

    // Ends the threads of stopped vCPUs, which stay as they are, and gives them threads again.
    // Doing either twice does nothing. Main thread.
    void end_threads();
    void begin_threads();

    // Only stopped vCPUs may be touched.
    size_t size() const { return vcpus_.size(); }
    KvmVcpu& vcpu(size_t index);
    std::vector<VcpuInfo> info() const;
    RunTimes times() const;

  private:
    class Thread;

    VcpuExits& exits_;
    mutable std::mutex mutex_;
    std::condition_variable wake_vcpus_;
    std::condition_variable wake_caller_;
    // These are under mutex_.
    bool run_wanted_ = false;
    bool quit_ = false;
    size_t stopped_ = 0;
    RunTimes times_;
    std::vector<std::unique_ptr<Thread>> vcpus_;
};

}  // namespace cpr::vmm

#endif

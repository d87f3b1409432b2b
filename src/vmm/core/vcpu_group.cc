// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/vcpu_group.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"

namespace cpr::vmm {
namespace {

// Takes a vCPU thread out of the guest; the handler does nothing.
constexpr int kKickSignal = SIGUSR1;

void install_kick_handler() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(kKickSignal, &action, nullptr);
}

// Signals for the program go to the main thread.
void block_other_signals() {
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, kKickSignal);
    pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

std::string describe_internal_error(const kvm_run& run) {
    std::string text = fmt::format("KVM internal error {}", run.internal.suberror);
    for (uint32_t i = 0; i < std::min<uint32_t>(run.internal.ndata, 16); ++i)
        text += fmt::format(" {:#x}", static_cast<uint64_t>(run.internal.data[i]));
    return text;
}

}  // namespace

// One vCPU and its thread.
class VcpuGroup::Thread {
  public:
    Thread(VcpuGroup& group, uint32_t index, std::unique_ptr<KvmVcpu> vcpu)
        : group_(group), index_(index), vcpu_(std::move(vcpu)) {
        begin();
    }
    ~Thread() { join(); }

    void begin() {
        if (!thread_.joinable())
            thread_ = std::thread([this] { main(); });
    }
    // Once the group's quit_ is set.
    void join() {
        if (thread_.joinable())
            thread_.join();
    }

    KvmVcpu& vcpu() { return *vcpu_; }
    uint32_t index() const { return index_; }
    int thread_id() const { return thread_id_; }

    // Under the group's mutex. KVM looks at immediate_exit when it is entered, and at pending
    // signals from then on, so that no moment is left in which this goes unseen.
    void kick() {
        __atomic_store_n(&vcpu_->run_area().immediate_exit, uint8_t{1}, __ATOMIC_SEQ_CST);
        pthread_kill(thread_.native_handle(), kKickSignal);
    }

  private:
    void main();
    void run_until_kicked();
    bool handle_exit();
    void handle_port_access(kvm_run& run);
    void handle_mmio(kvm_run& run);
    void wait_until_stopped();
    bool kicked() {
        return __atomic_load_n(&vcpu_->run_area().immediate_exit, __ATOMIC_SEQ_CST) != 0;
    }

    VcpuGroup& group_;
    uint32_t index_;
    std::unique_ptr<KvmVcpu> vcpu_;
    int thread_id_ = 0;
    std::thread thread_;
};

void VcpuGroup::Thread::main() {
    pthread_setname_np(pthread_self(), fmt::format("CPU {}/KVM", index_).c_str());
    block_other_signals();
    std::unique_lock lock(group_.mutex_);
    thread_id_ = gettid();
    for (;;) {
        ++group_.stopped_;
        group_.wake_caller_.notify_all();
        group_.wake_vcpus_.wait(lock, [this] { return group_.run_wanted_ || group_.quit_; });
        if (group_.quit_) {
            --group_.stopped_;
            return;
        }
        __atomic_store_n(&vcpu_->run_area().immediate_exit, uint8_t{0}, __ATOMIC_SEQ_CST);
        --group_.stopped_;
        group_.times_.last_running_ns = monotonic_ns();
        group_.wake_caller_.notify_all();
        lock.unlock();
        run_until_kicked();
        lock.lock();
        if (group_.times_.first_stopped_ns == 0)
            group_.times_.first_stopped_ns = monotonic_ns();
    }
}

// Leaves only from KVM_RUN with EINTR: KVM has then finished what an earlier exit had begun.
void VcpuGroup::Thread::run_until_kicked() {
    for (;;) {
        const int error = vcpu_->run();
        if (error == EINTR && kicked())
            return;
        if (error == EINTR || error == EAGAIN)
            continue;
        if (error == 0) {
            if (handle_exit())
                continue;
        } else {
            group_.exits_.failed(index_, fmt::format("KVM_RUN: {}", strerror(error)));
        }
        wait_until_stopped();
    }
}

// Returns false if the vCPU cannot go on.
bool VcpuGroup::Thread::handle_exit() {
    kvm_run& run = vcpu_->run_area();
    switch (run.exit_reason) {
        case KVM_EXIT_IO:
            handle_port_access(run);
            return true;
        case KVM_EXIT_MMIO:
            handle_mmio(run);
            return true;
        case KVM_EXIT_INTR:
        case KVM_EXIT_IRQ_WINDOW_OPEN:
            return true;
        case KVM_EXIT_SHUTDOWN:
            group_.exits_.guest_reset();
            return false;
        case KVM_EXIT_INTERNAL_ERROR:
            group_.exits_.failed(index_, describe_internal_error(run));
            return false;
        case KVM_EXIT_FAIL_ENTRY:
            group_.exits_.failed(
                index_,
                fmt::format("the CPU refused to enter the guest, reason {:#x}",
                            static_cast<uint64_t>(run.fail_entry.hardware_entry_failure_reason)));
            return false;
        default:
            group_.exits_.failed(index_, fmt::format("unknown KVM exit {}", run.exit_reason));
            return false;
    }
}

void VcpuGroup::Thread::handle_port_access(kvm_run& run) {
    const auto& io = run.io;
    auto* data = reinterpret_cast<uint8_t*>(&run) + io.data_offset;
    for (uint32_t i = 0; i < io.count; ++i, data += io.size) {
        if (io.direction == KVM_EXIT_IO_IN)
            group_.exits_.port_read(io.port, {data, io.size});
        else
            group_.exits_.port_write(io.port, {data, io.size});
    }
}

void VcpuGroup::Thread::handle_mmio(kvm_run& run) {
    auto& mmio = run.mmio;
    const size_t size = std::min<size_t>(mmio.len, sizeof(mmio.data));
    if (mmio.is_write)
        group_.exits_.mmio_write(mmio.phys_addr, {mmio.data, size});
    else
        group_.exits_.mmio_read(mmio.phys_addr, {mmio.data, size});
}

void VcpuGroup::Thread::wait_until_stopped() {
    std::unique_lock lock(group_.mutex_);
    group_.wake_vcpus_.wait(lock, [this] { return kicked(); });
}

VcpuGroup::VcpuGroup(VcpuExits& exits) : exits_(exits) {
    install_kick_handler();
}

VcpuGroup::~VcpuGroup() {
    stop();
    end_threads();
}

void VcpuGroup::end_threads() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    wake_vcpus_.notify_all();
    for (const auto& thread : vcpus_)
        thread->join();
}

void VcpuGroup::begin_threads() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = false;
    }
    for (const auto& thread : vcpus_)
        thread->begin();
    std::unique_lock lock(mutex_);
    wake_caller_.wait(lock, [this] { return stopped_ == vcpus_.size(); });
}

void VcpuGroup::add(std::unique_ptr<KvmVcpu> vcpu) {
    const auto index = static_cast<uint32_t>(vcpus_.size());
    vcpus_.push_back(std::make_unique<Thread>(*this, index, std::move(vcpu)));
    std::unique_lock lock(mutex_);
    wake_caller_.wait(lock, [this] { return stopped_ == vcpus_.size(); });
}

void VcpuGroup::start() {
    std::unique_lock lock(mutex_);
    run_wanted_ = true;
    wake_vcpus_.notify_all();
    // A guest that asks for its reset at once may stop the others before they have begun.
    wake_caller_.wait(lock, [this] { return stopped_ == 0 || !run_wanted_; });
}

void VcpuGroup::stop() {
    request_stop();
    std::unique_lock lock(mutex_);
    wake_caller_.wait(lock, [this] { return stopped_ == vcpus_.size() || quit_; });
}

void VcpuGroup::request_stop() {
    const std::lock_guard lock(mutex_);
    if (!run_wanted_)
        return;
    run_wanted_ = false;
    times_.first_stopped_ns = 0;
    wake_caller_.notify_all();
    for (const auto& thread : vcpus_)
        thread->kick();
    wake_vcpus_.notify_all();
}

KvmVcpu& VcpuGroup::vcpu(size_t index) {
    return vcpus_[index]->vcpu();
}

std::vector<VcpuInfo> VcpuGroup::info() const {
    const std::lock_guard lock(mutex_);
    std::vector<VcpuInfo> all;
    for (const auto& thread : vcpus_)
        all.push_back({thread->index(), thread->thread_id()});
    return all;
}

RunTimes VcpuGroup::times() const {
    const std::lock_guard lock(mutex_);
    return times_;
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
// A few instructions of real mode on the kernel's KVM, whose writes to a port signal an eventfd.
// Skipped where there is no KVM, unless CPR_TEST_REQUIRE has "kvm" in it.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "unit/vmm/real_kvm.h"
#include "vmm/core/kvm_api.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr uint64_t kCode = 0x1000;
constexpr uint16_t kPort = 0x505;
constexpr DoorbellWrite kValueOne{.port = kPort, .size = 1, .value = 1};

// mov dx, 0x505; mov al, 1; out dx, al; mov al, 2; out dx, al; out dx, ax; hlt
constexpr uint8_t kGuest[] = {0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xb0, 0x02, 0xee, 0xef, 0xf4};

class RealIoeventfd : public testing::Test {
  protected:
    void SetUp() override {
        if (must_skip_kvm())
            GTEST_SKIP() << "/dev/kvm cannot be used here";
        kvm_ = open_kvm();
        vm_ = kvm_->create_vm();
        vm_->set_identity_map_address(platform::kKvmIdentityBase);
        vm_->set_tss_address(platform::kKvmTssBase);
        page_ = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(page_, MAP_FAILED);
        memcpy(page_, kGuest, sizeof(kGuest));
        kvm_userspace_memory_region region{};
        region.guest_phys_addr = kCode;
        region.memory_size = kSize;
        region.userspace_addr = reinterpret_cast<uint64_t>(page_);
        vm_->set_memory_slot(region);
        vcpu_ = vm_->create_vcpu(0);
        kvm_sregs2 sregs{};
        vcpu_->get(sregs);
        sregs.cs.base = 0;
        sregs.cs.selector = 0;
        vcpu_->set(sregs);
        begin();
        event_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
    void TearDown() override {
        vcpu_.reset();
        vm_.reset();
        if (page_ != MAP_FAILED)
            munmap(page_, kSize);
    }

    void begin() {
        kvm_regs regs{};
        regs.rip = kCode;
        regs.rflags = 2;
        vcpu_->set(regs);
    }
    // Runs up to the next write that leaves KVM; returns its size and value, or "no write".
    std::string next_write() {
        const kvm_run& run = vcpu_->run_area();
        if (vcpu_->run() != 0 || run.exit_reason != KVM_EXIT_IO || run.io.port != kPort)
            return "no write";
        const auto* data = reinterpret_cast<const uint8_t*>(&run) + run.io.data_offset;
        return fmt::format("{}:{}", run.io.size, *data);
    }
    uint64_t signals() {
        eventfd_t count = 0;
        return eventfd_read(event_.get(), &count) == 0 ? count : 0;
    }

    static constexpr size_t kSize = 4096;
    void* page_ = MAP_FAILED;
    UniqueFd event_;
    std::unique_ptr<KvmApi> kvm_;
    std::unique_ptr<KvmVm> vm_;
    std::unique_ptr<KvmVcpu> vcpu_;
};

TEST_F(RealIoeventfd, AMatchingWriteSignalsAndDoesNotExit) {
    vm_->assign_ioeventfd(kValueOne, event_.get());
    // The write of 1 was before this one.
    EXPECT_EQ(next_write(), "1:2");
    EXPECT_EQ(signals(), 1u);
    EXPECT_EQ(next_write(), "2:2");
    EXPECT_EQ(signals(), 0u);
    EXPECT_EQ(next_write(), "no write");
    vm_->deassign_ioeventfd(kValueOne, event_.get());
    begin();
    EXPECT_EQ(next_write(), "1:1");
    EXPECT_EQ(signals(), 0u);
}

TEST_F(RealIoeventfd, TheSameWriteCannotBeGivenTwice) {
    vm_->assign_ioeventfd(kValueOne, event_.get());
    EXPECT_THROW(vm_->assign_ioeventfd(kValueOne, event_.get()), Error);
    EXPECT_THROW(vm_->deassign_ioeventfd({kPort, 1, 2}, event_.get()), Error);
    vm_->deassign_ioeventfd(kValueOne, event_.get());
}

}  // namespace
}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/kvm_api.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/io.h"
#include "base/unique_fd.h"

namespace cpr::vmm {
namespace {

// Everything is in Linux 5.16 and later.
struct Capability {
    int number;
    std::string_view name;
};
constexpr Capability kNeeded[] = {
    {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SREGS2, "KVM_CAP_SREGS2"},
    {KVM_CAP_VCPU_ATTRIBUTES, "KVM_CAP_VCPU_ATTRIBUTES"},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
    {KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
    {KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_PIT_STATE2, "KVM_CAP_PIT_STATE2"},
    {KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR"},
    {KVM_CAP_DEVICE_CTRL, "KVM_CAP_DEVICE_CTRL"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
};

constexpr uint32_t kMaxCpuidEntries = 256;

template <typename T>
int call(int fd, unsigned long request, T argument) {
    int result;
    do
        result = ioctl(fd, request, argument);
    while (result < 0 && errno == EINTR);
    return result;
}

template <typename T>
int checked(int fd, unsigned long request, T argument, std::string_view name) {
    const int result = call(fd, request, argument);
    if (result < 0) {
        const int error = errno;
        const auto what = Text("do {}", name);
        errno = error;
        throw errno_error(what);
    }
    return result;
}

// A kernel struct that ends in a list of `Entry`, of which `count` follow.
template <typename Struct, typename Entry>
class Listed {
  public:
    explicit Listed(size_t count) : bytes_(sizeof(Struct) + count * sizeof(Entry)) {}
    Struct* head() { return reinterpret_cast<Struct*>(bytes_.data()); }
    Entry* entries() { return reinterpret_cast<Entry*>(bytes_.data() + sizeof(Struct)); }

  private:
    std::vector<uint8_t> bytes_;
};

class RealVcpu final : public KvmVcpu {
  public:
    RealVcpu(UniqueFd fd, size_t run_size, size_t xsave_size)
        : fd_(std::move(fd)), run_size_(run_size), xsave_size_(xsave_size) {
        void* area = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
        if (area == MAP_FAILED)
            throw errno_error("map a vCPU's run area");
        run_ = static_cast<kvm_run*>(area);
    }
    ~RealVcpu() override { munmap(run_, run_size_); }

    kvm_run& run_area() override { return *run_; }
    int run() override { return ioctl(fd_.get(), KVM_RUN, 0) < 0 ? errno : 0; }

    void get(kvm_regs& v) override { checked(fd_.get(), KVM_GET_REGS, &v, "KVM_GET_REGS"); }
    void get(kvm_sregs2& v) override { checked(fd_.get(), KVM_GET_SREGS2, &v, "KVM_GET_SREGS2"); }
    void get(kvm_debugregs& v) override {
        checked(fd_.get(), KVM_GET_DEBUGREGS, &v, "KVM_GET_DEBUGREGS");
    }
    void get(kvm_xcrs& v) override { checked(fd_.get(), KVM_GET_XCRS, &v, "KVM_GET_XCRS"); }
    void get(kvm_lapic_state& v) override {
        checked(fd_.get(), KVM_GET_LAPIC, &v, "KVM_GET_LAPIC");
    }
    void get(kvm_vcpu_events& v) override {
        checked(fd_.get(), KVM_GET_VCPU_EVENTS, &v, "KVM_GET_VCPU_EVENTS");
    }
    void get(kvm_mp_state& v) override {
        checked(fd_.get(), KVM_GET_MP_STATE, &v, "KVM_GET_MP_STATE");
    }
    void set(const kvm_regs& v) override { checked(fd_.get(), KVM_SET_REGS, &v, "KVM_SET_REGS"); }
    void set(const kvm_sregs2& v) override {
        checked(fd_.get(), KVM_SET_SREGS2, &v, "KVM_SET_SREGS2");
    }
    void set(const kvm_debugregs& v) override {
        checked(fd_.get(), KVM_SET_DEBUGREGS, &v, "KVM_SET_DEBUGREGS");
    }
    void set(const kvm_xcrs& v) override { checked(fd_.get(), KVM_SET_XCRS, &v, "KVM_SET_XCRS"); }
    void set(const kvm_lapic_state& v) override {
        checked(fd_.get(), KVM_SET_LAPIC, &v, "KVM_SET_LAPIC");
    }
    void set(const kvm_vcpu_events& v) override {
        checked(fd_.get(), KVM_SET_VCPU_EVENTS, &v, "KVM_SET_VCPU_EVENTS");
    }
    void set(const kvm_mp_state& v) override {
        checked(fd_.get(), KVM_SET_MP_STATE, &v, "KVM_SET_MP_STATE");
    }

    std::vector<uint8_t> xsave() override {
        std::vector<uint8_t> area(xsave_size_);
        if (xsave_size_ > sizeof(kvm_xsave))
            checked(fd_.get(), KVM_GET_XSAVE2, area.data(), "KVM_GET_XSAVE2");
        else
            checked(fd_.get(), KVM_GET_XSAVE, area.data(), "KVM_GET_XSAVE");
        return area;
    }
    void set_xsave(std::span<const uint8_t> area) override {
        if (area.size() != xsave_size_)
            throw Error(ErrorCode::kInvalidArgument,
                        "the extended register state has {} bytes, this host's {}", area.size(),
                        xsave_size_);
        checked(fd_.get(), KVM_SET_XSAVE, area.data(), "KVM_SET_XSAVE");
    }

    void set_cpuid(std::span<const kvm_cpuid_entry2> entries) override {
        Listed<kvm_cpuid2, kvm_cpuid_entry2> list(entries.size());
        list.head()->nent = static_cast<uint32_t>(entries.size());
        memcpy(list.entries(), entries.data(), entries.size_bytes());
        checked(fd_.get(), KVM_SET_CPUID2, list.head(), "KVM_SET_CPUID2");
    }

    std::optional<uint64_t> msr(uint32_t index) override {
        Listed<kvm_msrs, kvm_msr_entry> list(1);
        list.head()->nmsrs = 1;
        list.entries()->index = index;
        if (call(fd_.get(), KVM_GET_MSRS, list.head()) != 1)
            return std::nullopt;
        return list.entries()->data;
    }
    bool set_msr(uint32_t index, uint64_t value) override {
        Listed<kvm_msrs, kvm_msr_entry> list(1);
        list.head()->nmsrs = 1;
        list.entries()->index = index;
        list.entries()->data = value;
        return call(fd_.get(), KVM_SET_MSRS, list.head()) == 1;
    }

    uint32_t tsc_khz() override {
        return static_cast<uint32_t>(checked(fd_.get(), KVM_GET_TSC_KHZ, 0, "KVM_GET_TSC_KHZ"));
    }
    void set_tsc_khz(uint32_t khz) override {
        checked(fd_.get(), KVM_SET_TSC_KHZ, static_cast<unsigned long>(khz), "KVM_SET_TSC_KHZ");
    }
    uint64_t tsc_offset() override {
        uint64_t offset = 0;
        const kvm_device_attr attr = tsc_attribute(offset);
        checked(fd_.get(), KVM_GET_DEVICE_ATTR, &attr, "get KVM_VCPU_TSC_OFFSET");
        return offset;
    }
    void set_tsc_offset(uint64_t offset) override {
        const kvm_device_attr attr = tsc_attribute(offset);
        checked(fd_.get(), KVM_SET_DEVICE_ATTR, &attr, "set KVM_VCPU_TSC_OFFSET");
    }

    void mark_paused() override { call(fd_.get(), KVM_KVMCLOCK_CTRL, 0); }

  private:
    static kvm_device_attr tsc_attribute(uint64_t& offset) {
        return {0, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, reinterpret_cast<uint64_t>(&offset)};
    }

    UniqueFd fd_;
    size_t run_size_;
    size_t xsave_size_;
    kvm_run* run_ = nullptr;
};

class RealVm final : public KvmVm {
  public:
    RealVm(UniqueFd fd, size_t run_size) : fd_(std::move(fd)), run_size_(run_size) {
        // Answered per VM: it depends on what the process has asked the kernel to permit.
        const int size = call(fd_.get(), KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
        xsave_size_ = size > 0 ? static_cast<size_t>(size) : sizeof(kvm_xsave);
    }

    std::unique_ptr<KvmVcpu> create_vcpu(uint32_t id) override {
        UniqueFd fd(
            checked(fd_.get(), KVM_CREATE_VCPU, static_cast<unsigned long>(id), "KVM_CREATE_VCPU"));
        return std::make_unique<RealVcpu>(std::move(fd), run_size_, xsave_size_);
    }
    void set_tss_address(uint64_t gpa) override {
        checked(fd_.get(), KVM_SET_TSS_ADDR, static_cast<unsigned long>(gpa), "KVM_SET_TSS_ADDR");
    }
    void set_identity_map_address(uint64_t gpa) override {
        checked(fd_.get(), KVM_SET_IDENTITY_MAP_ADDR, &gpa, "KVM_SET_IDENTITY_MAP_ADDR");
    }
    void create_irqchip() override {
        checked(fd_.get(), KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP");
    }
    void create_pit() override {
        kvm_pit_config config{};
        config.flags = KVM_PIT_SPEAKER_DUMMY;
        checked(fd_.get(), KVM_CREATE_PIT2, &config, "KVM_CREATE_PIT2");
    }
    void disable_pmu() override {
        if (call(fd_.get(), KVM_CHECK_EXTENSION, KVM_CAP_PMU_CAPABILITY) <= 0)
            return;
        kvm_enable_cap cap{};
        cap.cap = KVM_CAP_PMU_CAPABILITY;
        cap.args[0] = KVM_PMU_CAP_DISABLE;
        checked(fd_.get(), KVM_ENABLE_CAP, &cap, "KVM_ENABLE_CAP (KVM_CAP_PMU_CAPABILITY)");
    }

    void set_memory_slot(const kvm_userspace_memory_region& region) override {
        checked(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
    }

    void set_irq_line(uint32_t gsi, bool level) override {
        kvm_irq_level line{};
        line.irq = gsi;
        line.level = level ? 1 : 0;
        checked(fd_.get(), KVM_IRQ_LINE, &line, "KVM_IRQ_LINE");
    }
    void set_gsi_routing(std::span<const kvm_irq_routing_entry> entries) override {
        Listed<kvm_irq_routing, kvm_irq_routing_entry> list(entries.size());
        list.head()->nr = static_cast<uint32_t>(entries.size());
        memcpy(list.entries(), entries.data(), entries.size_bytes());
        checked(fd_.get(), KVM_SET_GSI_ROUTING, list.head(), "KVM_SET_GSI_ROUTING");
    }
    void assign_irqfd(uint32_t gsi, int eventfd) override { irqfd(gsi, eventfd, 0, 0); }
    void assign_level_irqfd(uint32_t gsi, int eventfd, int resample) override {
        irqfd(gsi, eventfd, KVM_IRQFD_FLAG_RESAMPLE, resample);
    }
    void deassign_irqfd(uint32_t gsi, int eventfd) override {
        irqfd(gsi, eventfd, KVM_IRQFD_FLAG_DEASSIGN, 0);
    }
    void assign_ioeventfd(const DoorbellWrite& write, int eventfd) override {
        ioeventfd(write, eventfd, 0);
    }
    void deassign_ioeventfd(const DoorbellWrite& write, int eventfd) override {
        ioeventfd(write, eventfd, KVM_IOEVENTFD_FLAG_DEASSIGN);
    }
    void signal_msi(uint64_t address, uint32_t data) override {
        kvm_msi msi{};
        msi.address_lo = static_cast<uint32_t>(address);
        msi.address_hi = static_cast<uint32_t>(address >> 32);
        msi.data = data;
        checked(fd_.get(), KVM_SIGNAL_MSI, &msi, "KVM_SIGNAL_MSI");
    }

    void get(kvm_irqchip& v) override {
        checked(fd_.get(), KVM_GET_IRQCHIP, &v, "KVM_GET_IRQCHIP");
    }
    void get(kvm_pit_state2& v) override { checked(fd_.get(), KVM_GET_PIT2, &v, "KVM_GET_PIT2"); }
    void get(kvm_clock_data& v) override { checked(fd_.get(), KVM_GET_CLOCK, &v, "KVM_GET_CLOCK"); }
    void set(const kvm_irqchip& v) override {
        checked(fd_.get(), KVM_SET_IRQCHIP, &v, "KVM_SET_IRQCHIP");
    }
    void set(const kvm_pit_state2& v) override {
        checked(fd_.get(), KVM_SET_PIT2, &v, "KVM_SET_PIT2");
    }
    void set(const kvm_clock_data& v) override {
        checked(fd_.get(), KVM_SET_CLOCK, &v, "KVM_SET_CLOCK");
    }

    void add_vfio_group(int group_fd) override { vfio_group(KVM_DEV_VFIO_GROUP_ADD, group_fd); }
    void remove_vfio_group(int group_fd) override { vfio_group(KVM_DEV_VFIO_GROUP_DEL, group_fd); }

  private:
    void irqfd(uint32_t gsi, int eventfd, uint32_t flags, int resample) {
        kvm_irqfd request{};
        request.fd = static_cast<uint32_t>(eventfd);
        request.gsi = gsi;
        request.flags = flags;
        request.resamplefd = static_cast<uint32_t>(resample);
        checked(fd_.get(), KVM_IRQFD, &request,
                flags & KVM_IRQFD_FLAG_DEASSIGN ? "KVM_IRQFD (deassign)" : "KVM_IRQFD");
    }
    void ioeventfd(const DoorbellWrite& write, int eventfd, uint32_t flags) {
        kvm_ioeventfd request{};
        request.addr = write.port;
        request.len = write.size;
        request.datamatch = write.value;
        request.fd = eventfd;
        request.flags = flags | KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH;
        checked(fd_.get(), KVM_IOEVENTFD, &request,
                flags ? "KVM_IOEVENTFD (deassign)" : "KVM_IOEVENTFD");
    }
    void vfio_group(uint64_t action, int group_fd) {
        if (!vfio_) {
            kvm_create_device device{};
            device.type = KVM_DEV_TYPE_VFIO;
            checked(fd_.get(), KVM_CREATE_DEVICE, &device, "KVM_CREATE_DEVICE (VFIO)");
            vfio_.reset(static_cast<int>(device.fd));
            set_cloexec(vfio_.get(), true);
        }
        int32_t group = group_fd;
        const kvm_device_attr attr{0, KVM_DEV_VFIO_GROUP, action,
                                   reinterpret_cast<uint64_t>(&group)};
        checked(vfio_.get(), KVM_SET_DEVICE_ATTR, &attr, "KVM_DEV_VFIO_GROUP");
    }

    UniqueFd fd_;
    UniqueFd vfio_;
    size_t run_size_;
    size_t xsave_size_;
};

class RealKvm final : public KvmApi {
  public:
    explicit RealKvm(UniqueFd fd) : fd_(std::move(fd)) {
        const int version = checked(fd_.get(), KVM_GET_API_VERSION, 0, "KVM_GET_API_VERSION");
        if (version != KVM_API_VERSION)
            throw Error(ErrorCode::kUnsupported, "the kernel's KVM has API version {}, not {}",
                        version, KVM_API_VERSION);
        for (const Capability& needed : kNeeded)
            if (call(fd_.get(), KVM_CHECK_EXTENSION, needed.number) <= 0)
                throw Error(ErrorCode::kUnsupported,
                            "the kernel's KVM lacks {}: Linux 5.16 or later is needed",
                            needed.name);
    }

    std::unique_ptr<KvmVm> create_vm() override {
        UniqueFd vm(checked(fd_.get(), KVM_CREATE_VM, 0, "KVM_CREATE_VM"));
        const int size = checked(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
        return std::make_unique<RealVm>(std::move(vm), static_cast<size_t>(size));
    }

    std::vector<kvm_cpuid_entry2> supported_cpuid() override {
        Listed<kvm_cpuid2, kvm_cpuid_entry2> list(kMaxCpuidEntries);
        list.head()->nent = kMaxCpuidEntries;
        checked(fd_.get(), KVM_GET_SUPPORTED_CPUID, list.head(), "KVM_GET_SUPPORTED_CPUID");
        std::vector<kvm_cpuid_entry2> entries(list.entries(), list.entries() + list.head()->nent);
        // KVM leaves this bit out, since it depends on the in-kernel local APIC, which we have.
        if (call(fd_.get(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
            for (kvm_cpuid_entry2& entry : entries)
                if (entry.function == 1)
                    entry.ecx |= 1u << 24;
        return entries;
    }

    std::vector<uint32_t> msr_indices() override {
        kvm_msr_list probe{};
        // Answers E2BIG with the count.
        call(fd_.get(), KVM_GET_MSR_INDEX_LIST, &probe);
        Listed<kvm_msr_list, uint32_t> list(probe.nmsrs);
        list.head()->nmsrs = probe.nmsrs;
        checked(fd_.get(), KVM_GET_MSR_INDEX_LIST, list.head(), "KVM_GET_MSR_INDEX_LIST");
        return {list.entries(), list.entries() + list.head()->nmsrs};
    }

    uint32_t max_vcpus() override {
        const int count = call(fd_.get(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
        return count > 0 ? static_cast<uint32_t>(count) : 1;
    }

  private:
    UniqueFd fd_;
};

}  // namespace

std::unique_ptr<KvmApi> open_kvm() {
    return std::make_unique<RealKvm>(open_file("/dev/kvm", O_RDWR));
}

}  // namespace cpr::vmm

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/boot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "vmm/core/bzimage.h"
#include "vmm/core/platform.h"

namespace cpr::vmm {
namespace {

constexpr const char* kKernelFd = "boot-kernel";
constexpr const char* kInitrdFd = "boot-initrd";

// Places in the first 640 KiB, which are free until the kernel takes them over.
constexpr uint64_t kGdt = 0x6000;
constexpr uint64_t kBootParameters = 0x7000;
constexpr uint64_t kPageTable = 0x9000;  // level 4, level 3, then four of level 2
constexpr uint64_t kCmdline = 0x20000;
constexpr uint64_t kCmdlineMax = 0x10000;
constexpr uint64_t kConventionalEnd = 0x9fc00;
constexpr uint64_t kConventionalLimit = 0xa0000;
constexpr uint64_t kHighMemory = 0x100000;
constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kKvmPagesSize = 0x4000;  // identity map and TSS

// The 64-bit entry is this far into the kernel (boot.rst, "64-bit Boot Protocol").
constexpr uint64_t kEntryOffset = 0x200;

// Fields of the boot parameters (Documentation/arch/x86/zero-page.rst).
constexpr uint64_t kParamRsdp = 0x70;
constexpr uint64_t kParamE820Count = 0x1e8;
constexpr uint64_t kParamSetupHeader = 0x1f1;
constexpr uint64_t kParamLoaderType = 0x210;
constexpr uint64_t kParamInitrdAddress = 0x218;
constexpr uint64_t kParamInitrdSize = 0x21c;
constexpr uint64_t kParamCmdline = 0x228;
constexpr uint64_t kParamE820Table = 0x2d0;
constexpr uint64_t kE820EntrySize = 20;
constexpr uint8_t kUnknownLoader = 0xff;
enum class E820 : uint32_t { kRam = 1, kReserved = 2 };

constexpr uint16_t kCodeSelector = 0x10;
constexpr uint16_t kDataSelector = 0x18;
constexpr uint16_t kTaskSelector = 0x20;
constexpr std::array<uint64_t, 6> kGdtEntries{0,
                                              0,
                                              0x00af9b000000ffff,  // 64-bit code
                                              0x00cf93000000ffff,  // data
                                              0x00008b000000ffff,  // task, 16 bytes
                                              0};

std::span<uint8_t> ram_at(const MemoryMap& memory, uint64_t gpa, uint64_t size) {
    const auto bytes = memory.ram(gpa, size);
    if (bytes.empty())
        throw Error(ErrorCode::kInvalidArgument, "the guest has no {:#x} bytes of memory at {:#x}",
                    size, gpa);
    return bytes;
}

template <typename T>
void poke(std::span<uint8_t> bytes, uint64_t offset, T value) {
    memcpy(bytes.data() + offset, &value, sizeof(value));
}

uint64_t file_size(int fd, const std::string& name) {
    struct stat info {};
    if (fstat(fd, &info) < 0)
        throw errno_error("stat '{}'", name);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorCode::kInvalidArgument, "'{}' is not a regular file", name);
    return static_cast<uint64_t>(info.st_size);
}

void read_exactly(int fd, uint64_t offset, std::span<uint8_t> bytes, const std::string& name) {
    while (!bytes.empty()) {
        const ssize_t got = pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw errno_error("read '{}'", name);
        if (got == 0)
            throw Error(ErrorCode::kInvalidArgument, "'{}' has become shorter", name);
        bytes = bytes.subspan(static_cast<size_t>(got));
        offset += static_cast<uint64_t>(got);
    }
}

uint64_t low_ram_end(const MemoryMap& memory) {
    return memory.regions().front().size;
}

// Identity-maps the first 4 GiB by pages of 2 MiB.
void write_page_table(const MemoryMap& memory) {
    constexpr uint64_t kPresentWritable = 0x3;
    constexpr uint64_t kLargePage = 0x80;
    const auto tables = ram_at(memory, kPageTable, 6 * kPage);
    memset(tables.data(), 0, tables.size());
    poke(tables, 0, (kPageTable + kPage) | kPresentWritable);
    for (uint64_t i = 0; i < 4; ++i)
        poke(tables, kPage + 8 * i, (kPageTable + (2 + i) * kPage) | kPresentWritable);
    for (uint64_t i = 0; i < 4U * 512; ++i)
        poke(tables, 2 * kPage + 8 * i, i << 21 | kPresentWritable | kLargePage);
}

class E820Table {
  public:
    explicit E820Table(std::span<uint8_t> parameters) : parameters_(parameters) {}
    void add(uint64_t begin, uint64_t end, E820 type) {
        const uint64_t at = kParamE820Table + count_ * kE820EntrySize;
        poke(parameters_, at, begin);
        poke(parameters_, at + 8, end - begin);
        poke(parameters_, at + 16, static_cast<uint32_t>(type));
        parameters_[kParamE820Count] = ++count_;
    }

  private:
    std::span<uint8_t> parameters_;
    uint8_t count_ = 0;
};

void write_memory_table(std::span<uint8_t> parameters, const MemoryMap& memory) {
    E820Table table(parameters);
    table.add(0, kConventionalEnd, E820::kRam);
    table.add(kConventionalEnd, kConventionalLimit, E820::kReserved);
    table.add(platform::kAcpiBase, kHighMemory, E820::kReserved);
    table.add(kHighMemory, low_ram_end(memory), E820::kRam);
    table.add(platform::kEcamBase, platform::kEcamBase + platform::kEcamSize, E820::kReserved);
    table.add(platform::kKvmIdentityBase, platform::kKvmIdentityBase + kKvmPagesSize,
              E820::kReserved);
    for (const MemoryRegion& region : memory.regions())
        if (region.is_ram && region.gpa >= platform::kHighRamBase)
            table.add(region.gpa, region.gpa + region.size, E820::kRam);
}

kvm_segment make_segment(uint16_t selector, uint8_t type, bool code) {
    kvm_segment segment{};
    segment.limit = 0xffffffff;
    segment.selector = selector;
    segment.type = type;
    segment.present = 1;
    segment.s = 1;
    segment.g = 1;
    segment.l = code ? 1 : 0;
    segment.db = code ? 0 : 1;
    return segment;
}

}  // namespace

Boot::Boot(const MachineConfig& config, state::IncomingFds* preserved)
    : cmdline_(config.cmdline), kernel_name_(config.kernel), initrd_name_(config.initrd) {
    if (kernel_name_.empty())
        throw Error(ErrorCode::kUnsupported,
                    "there is no firmware: name a kernel to boot (-kernel, libvirt's <kernel>)");
    kernel_ = preserved ? preserved->take(kKernelFd) : open_file(kernel_name_, O_RDONLY);
    if (!initrd_name_.empty())
        initrd_ = preserved ? preserved->take(kInitrdFd) : open_file(initrd_name_, O_RDONLY);
}

void Boot::keep(state::OutgoingFds& fds) const {
    fds.add(kKernelFd, 0, kernel_.get());
    if (initrd_)
        fds.add(kInitrdFd, 0, initrd_.get());
}

BzImage Boot::read_header() const {
    const uint64_t size = file_size(kernel_.get(), kernel_name_);
    std::vector<uint8_t> head(std::min<uint64_t>(size, kBzImageHead));
    read_exactly(kernel_.get(), 0, head, kernel_name_);
    return parse_bzimage(head, size, kernel_name_);
}

void Boot::load_initrd(const BzImage& image, uint64_t kernel_end, const MemoryMap& memory) const {
    const uint64_t size = file_size(initrd_.get(), initrd_name_);
    const uint64_t at = place_initrd(image, size, kernel_end, low_ram_end(memory));
    if (size > 0)
        read_exactly(initrd_.get(), 0, ram_at(memory, at, size), initrd_name_);
    const auto parameters = ram_at(memory, kBootParameters, kPage);
    poke(parameters, kParamInitrdAddress, static_cast<uint32_t>(at));
    poke(parameters, kParamInitrdSize, static_cast<uint32_t>(size));
}

void Boot::load_cmdline(const BzImage& image, const MemoryMap& memory) const {
    if (cmdline_.size() > image.cmdline_limit || cmdline_.size() >= kCmdlineMax)
        throw Error(ErrorCode::kInvalidArgument,
                    "the kernel's command line has {} bytes, this kernel takes {}", cmdline_.size(),
                    std::min(image.cmdline_limit, kCmdlineMax - 1));
    const auto line = ram_at(memory, kCmdline, kCmdlineMax);
    memcpy(line.data(), cmdline_.c_str(), cmdline_.size() + 1);
    poke(ram_at(memory, kBootParameters, kPage), kParamCmdline, static_cast<uint32_t>(kCmdline));
}

BootEntry Boot::load(const MemoryMap& memory, const acpi::Config& platform) const {
    const BzImage image = read_header();
    const uint64_t address = place_kernel(image, low_ram_end(memory), kernel_name_);
    read_exactly(kernel_.get(), image.code_offset, ram_at(memory, address, image.code_size),
                 kernel_name_);

    const auto parameters = ram_at(memory, kBootParameters, kPage);
    memset(parameters.data(), 0, parameters.size());
    memcpy(parameters.data() + kParamSetupHeader, image.setup_header.data(),
           image.setup_header.size());
    parameters[kParamLoaderType] = kUnknownLoader;
    poke(parameters, kParamRsdp, platform::kAcpiBase);
    write_memory_table(parameters, memory);
    if (initrd_)
        load_initrd(image, address + image.memory_size, memory);
    load_cmdline(image, memory);

    const auto tables = acpi::build_tables(platform::kAcpiBase, platform);
    memcpy(ram_at(memory, platform::kAcpiBase, tables.size()).data(), tables.data(), tables.size());
    write_page_table(memory);
    memcpy(ram_at(memory, kGdt, sizeof(kGdtEntries)).data(), kGdtEntries.data(),
           sizeof(kGdtEntries));
    return {address + kEntryOffset, kBootParameters, kPageTable, kGdt, sizeof(kGdtEntries) - 1};
}

void set_memory_types(KvmVcpu& vcpu, std::span<const kvm_cpuid_entry2> cpuid) {
    // Intel's SDM volume 3, 12.11 (memory type range registers).
    constexpr uint32_t kDefaultType = 0x2ff;
    constexpr uint32_t kFirstVariable = 0x200;
    constexpr uint32_t kFixedVga = 0x259;
    constexpr uint32_t kFixed[] = {0x250, 0x258, 0x268, 0x269, 0x26a,
                                   0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
    constexpr uint64_t kWriteBack = 6;
    constexpr uint64_t kEightWriteBack = 0x0606060606060606;
    constexpr uint64_t kEnableAll = 0xc00;
    constexpr uint64_t kValid = 0x800;

    const auto sizes = std::ranges::find(cpuid, 0x80000008u, &kvm_cpuid_entry2::function);
    const uint32_t bits = sizes == cpuid.end() ? 36 : sizes->eax & 0xff;
    const uint64_t all_bits = (uint64_t{1} << bits) - 1;
    uint32_t next = kFirstVariable;
    const auto uncached = [&](uint64_t base, uint64_t size) {
        if (base > all_bits)
            return;
        vcpu.set_msr(next++, base);
        vcpu.set_msr(next++, (all_bits & ~(size - 1)) | kValid);
    };
    for (const uint32_t index : kFixed)
        vcpu.set_msr(index, kEightWriteBack);
    vcpu.set_msr(kFixedVga, 0);
    uncached(platform::kPciMmio32Base, platform::kHighRamBase - platform::kPciMmio32Base);
    uncached(platform::kPciMmio64Base, platform::kPciMmio64Size);
    vcpu.set_msr(kDefaultType, kEnableAll | kWriteBack);
}

void enter_kernel(KvmVcpu& vcpu, const BootEntry& entry) {
    // Control register and EFER bits of Intel's SDM volume 3, chapter 2.
    constexpr uint64_t kProtection = 1u << 0;
    constexpr uint64_t kExtensionType = 1u << 4;
    constexpr uint64_t kNumericError = 1u << 5;
    constexpr uint64_t kWriteProtect = 1u << 16;
    constexpr uint64_t kPaging = 1u << 31;
    constexpr uint64_t kPhysicalAddressExtension = 1u << 5;
    constexpr uint64_t kLongModeEnable = 1u << 8;
    constexpr uint64_t kLongModeActive = 1u << 10;

    kvm_sregs2 sregs{};
    vcpu.get(sregs);
    sregs.cs = make_segment(kCodeSelector, 0xb, true);
    sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = make_segment(kDataSelector, 0x3, false);
    sregs.tr = make_segment(kTaskSelector, 0xb, false);
    sregs.tr.s = sregs.tr.g = sregs.tr.db = 0;
    sregs.tr.limit = 0xffff;
    sregs.gdt.base = entry.descriptor_table;
    sregs.gdt.limit = entry.descriptor_table_limit;
    sregs.idt.limit = 0;
    sregs.cr0 = kProtection | kExtensionType | kNumericError | kWriteProtect | kPaging;
    sregs.cr3 = entry.page_table;
    sregs.cr4 = kPhysicalAddressExtension;
    sregs.efer = kLongModeEnable | kLongModeActive;
    vcpu.set(sregs);

    kvm_regs regs{};
    regs.rip = entry.instruction_pointer;
    regs.rsi = entry.boot_parameters;
    regs.rflags = 2;
    vcpu.set(regs);
}

}  // namespace cpr::vmm

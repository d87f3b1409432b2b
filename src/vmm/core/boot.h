// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_BOOT_H
#define CPR_VMM_CORE_BOOT_H

#include <cstdint>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "state/fd_table.h"
#include "vmm/acpi/tables.h"
#include "vmm/core/bzimage.h"
#include "vmm/core/kvm_api.h"
#include "vmm/core/machine_config.h"
#include "vmm/core/memory_map.h"

namespace cpr::vmm {

// Where the first vCPU begins, and what it is told (the 64-bit boot protocol of Linux,
// Documentation/arch/x86/boot.rst).
struct BootEntry {
    uint64_t instruction_pointer = 0;
    uint64_t boot_parameters = 0;
    uint64_t page_table = 0;
    uint64_t descriptor_table = 0;
    uint16_t descriptor_table_limit = 0;
};

// The guest's kernel, initial RAM disk and command line. The files stay open for the guest's
// resets, also over updates, whatever becomes of their paths.
class Boot {
  public:
    // Opens the files of `config`, or takes what an old binary had open. Throws Error.
    Boot(const MachineConfig& config, state::IncomingFds* preserved);

    // Puts everything into RAM that the kernel needs: itself, the RAM disk, the command line, the
    // boot parameters, the ACPI tables, and the tables of 64-bit mode. Throws Error
    // kInvalidArgument if a file is not what it should be, or does not fit.
    BootEntry load(const MemoryMap& memory, const acpi::Config& platform) const;

    void keep(state::OutgoingFds& fds) const;

  private:
    BzImage read_header() const;
    void load_initrd(const BzImage& image, uint64_t kernel_end, const MemoryMap& memory) const;
    void load_cmdline(const BzImage& image, const MemoryMap& memory) const;

    std::string cmdline_;
    std::string kernel_name_;
    std::string initrd_name_;
    UniqueFd kernel_;
    UniqueFd initrd_;
};

// Sets a vCPU's memory types as firmware does: RAM write-back, the windows for devices
// uncached. Without it a KVM that heeds them takes all memory as uncached.
void set_memory_types(KvmVcpu& vcpu, std::span<const kvm_cpuid_entry2> cpuid);

// Makes the vCPU begin at `entry`; all else is as after its reset. Throws Error.
void enter_kernel(KvmVcpu& vcpu, const BootEntry& entry);

}  // namespace cpr::vmm

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/acpi/tables.h"

#include <cstring>
#include <numeric>

#include "base/error.h"
#include "vmm/acpi/dsdt.h"
#include "vmm/core/platform.h"

namespace cpr::vmm::acpi {
namespace {

using Bytes = std::vector<uint8_t>;

// System description table header (ACPI 6.4, 5.2.6).
struct [[gnu::packed]] TableHeader {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
};
static_assert(sizeof(TableHeader) == 36);

// 5.2.5.3
struct [[gnu::packed]] Rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt_address;
    uint32_t length;
    uint64_t xsdt_address;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};
static_assert(sizeof(Rsdp) == 36);

// Generic address structure, 5.2.3.2
struct [[gnu::packed]] Gas {
    uint8_t space_id;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size;
    uint64_t address;
};
constexpr uint8_t kSystemIo = 1;

// 5.2.9, after the table header
struct [[gnu::packed]] Fadt {
    uint32_t firmware_ctrl;
    uint32_t dsdt;
    uint8_t reserved0;
    uint8_t preferred_pm_profile;
    uint16_t sci_int;
    uint32_t smi_cmd;
    uint8_t acpi_enable;
    uint8_t acpi_disable;
    uint8_t s4bios_req;
    uint8_t pstate_cnt;
    uint32_t pm1a_evt_blk;
    uint32_t pm1b_evt_blk;
    uint32_t pm1a_cnt_blk;
    uint32_t pm1b_cnt_blk;
    uint32_t pm2_cnt_blk;
    uint32_t pm_tmr_blk;
    uint32_t gpe0_blk;
    uint32_t gpe1_blk;
    uint8_t pm1_evt_len;
    uint8_t pm1_cnt_len;
    uint8_t pm2_cnt_len;
    uint8_t pm_tmr_len;
    uint8_t gpe0_blk_len;
    uint8_t gpe1_blk_len;
    uint8_t gpe1_base;
    uint8_t cst_cnt;
    uint16_t p_lvl2_lat;
    uint16_t p_lvl3_lat;
    uint16_t flush_size;
    uint16_t flush_stride;
    uint8_t duty_offset;
    uint8_t duty_width;
    uint8_t day_alarm;
    uint8_t mon_alarm;
    uint8_t century;
    uint16_t iapc_boot_arch;
    uint8_t reserved1;
    uint32_t flags;
    Gas reset_reg;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_version;
    uint64_t x_firmware_ctrl;
    uint64_t x_dsdt;
    Gas x_pm1a_evt_blk;
    Gas x_pm1b_evt_blk;
    Gas x_pm1a_cnt_blk;
    Gas x_pm1b_cnt_blk;
    Gas x_pm2_cnt_blk;
    Gas x_pm_tmr_blk;
    Gas x_gpe0_blk;
    Gas x_gpe1_blk;
    Gas sleep_control_reg;
    Gas sleep_status_reg;
    uint64_t hypervisor_vendor;
};
static_assert(sizeof(Fadt) + sizeof(TableHeader) == 276);

// FADT flags, table 5.10
constexpr uint32_t kWbinvd = 1u << 0;
constexpr uint32_t kProcC1 = 1u << 2;
constexpr uint32_t kNoFixedSleepButton = 1u << 5;
constexpr uint32_t kNoFixedRtcWake = 1u << 6;
constexpr uint32_t kTimer32Bit = 1u << 8;
constexpr uint32_t kResetRegister = 1u << 10;
// IA-PC boot architecture flags, table 5.11
constexpr uint16_t kLegacyDevices = 1u << 0;
constexpr uint16_t kVgaNotPresent = 1u << 2;

template <typename T>
Bytes bytes_of(const T& value) {
    Bytes bytes(sizeof(value));
    memcpy(bytes.data(), &value, sizeof(value));
    return bytes;
}

uint8_t checksum_of(const uint8_t* data, size_t size) {
    return static_cast<uint8_t>(-std::accumulate(data, data + size, 0));
}

Bytes table(const char (&signature)[5], uint8_t revision, const Bytes& body) {
    TableHeader header{};
    memcpy(header.signature, signature, 4);
    header.length = static_cast<uint32_t>(sizeof(header) + body.size());
    header.revision = revision;
    memcpy(header.oem_id, "LVCPR ", 6);
    memcpy(header.oem_table_id, "CPRVMM  ", 8);
    header.oem_revision = 1;
    memcpy(header.creator_id, "CPRV", 4);
    header.creator_revision = 1;
    Bytes bytes = aml::join({bytes_of(header), body});
    bytes[offsetof(TableHeader, checksum)] = checksum_of(bytes.data(), bytes.size());
    return bytes;
}

Gas io_gas(uint64_t port, uint8_t bits) {
    const uint8_t access = bits == 8 ? 1 : bits == 16 ? 2 : 3;
    return {kSystemIo, bits, 0, access, port};
}

Bytes fadt(uint64_t facs, uint64_t dsdt) {
    Fadt body{};
    body.firmware_ctrl = static_cast<uint32_t>(facs);
    body.dsdt = static_cast<uint32_t>(dsdt);
    body.sci_int = platform::kSciGsi;
    body.pm1a_evt_blk = platform::kPmBase;
    body.pm1a_cnt_blk = platform::kPmBase + 4;
    body.pm_tmr_blk = platform::kPmBase + 8;
    body.pm1_evt_len = 4;
    body.pm1_cnt_len = 2;
    body.pm_tmr_len = 4;
    // Above 100 and 1000 microseconds: C2 and C3 are not supported.
    body.p_lvl2_lat = 0xfff;
    body.p_lvl3_lat = 0xfff;
    body.century = 0x32;
    body.iapc_boot_arch = kLegacyDevices | kVgaNotPresent;
    body.flags =
        kWbinvd | kProcC1 | kNoFixedSleepButton | kNoFixedRtcWake | kTimer32Bit | kResetRegister;
    body.reset_reg = io_gas(platform::kResetPort, 8);
    body.reset_value = 6;
    body.minor_version = 4;
    body.x_dsdt = dsdt;
    body.x_pm1a_evt_blk = io_gas(platform::kPmBase, 32);
    body.x_pm1a_cnt_blk = io_gas(platform::kPmBase + 4, 16);
    body.x_pm_tmr_blk = io_gas(platform::kPmBase + 8, 32);
    return table("FACP", 6, bytes_of(body));
}

// 5.2.10; it has no checksum.
Bytes facs() {
    Bytes bytes(64);
    memcpy(bytes.data(), "FACS", 4);
    bytes[4] = 64;
    bytes[32] = 2;
    return bytes;
}

struct [[gnu::packed]] MadtHead {
    uint32_t local_apic;
    uint32_t flags;
};
struct [[gnu::packed]] MadtLocalApic {
    uint8_t type = 0, length = 8;
    uint8_t processor_uid;
    uint8_t apic_id;
    uint32_t flags = 1;  // enabled
};
struct [[gnu::packed]] MadtIoApic {
    uint8_t type = 1, length = 12;
    uint8_t id = 0, reserved = 0;
    uint32_t address;
    uint32_t first_gsi = 0;
};
struct [[gnu::packed]] MadtOverride {
    uint8_t type = 2, length = 10;
    uint8_t bus = 0;
    uint8_t source;
    uint32_t gsi;
    uint16_t flags;
};
struct [[gnu::packed]] MadtLocalNmi {
    uint8_t type = 4, length = 6;
    uint8_t processor_uid = 0xff;  // all
    uint16_t flags = 0;
    uint8_t lint = 1;
};

// 5.2.12
Bytes madt(const Config& config) {
    constexpr uint32_t kPcatCompat = 1;
    constexpr uint16_t kActiveHighLevel = 0x000d;
    Bytes body = bytes_of(MadtHead{static_cast<uint32_t>(platform::kLocalApicBase), kPcatCompat});
    for (uint32_t i = 0; i < config.vcpus; ++i) {
        MadtLocalApic entry{};
        entry.processor_uid = entry.apic_id = static_cast<uint8_t>(i);
        body = aml::join({body, bytes_of(entry)});
    }
    MadtIoApic io_apic{};
    io_apic.address = static_cast<uint32_t>(platform::kIoApicBase);
    MadtOverride timer{};
    timer.source = 0;
    timer.gsi = 2;
    MadtOverride sci{};
    sci.source = static_cast<uint8_t>(platform::kSciGsi);
    sci.gsi = platform::kSciGsi;
    sci.flags = kActiveHighLevel;
    return table("APIC", 5,
                 aml::join({body, bytes_of(io_apic), bytes_of(timer), bytes_of(sci),
                            bytes_of(MadtLocalNmi{})}));
}

// PCI firmware specification 3.2, 4.1.2
struct [[gnu::packed]] Mcfg {
    uint64_t reserved;
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint32_t reserved1;
};

Bytes mcfg() {
    return table("MCFG", 1, bytes_of(Mcfg{0, platform::kEcamBase, 0, 0, 255, 0}));
}

Bytes rsdp(uint64_t xsdt) {
    Rsdp body{};
    memcpy(body.signature, "RSD PTR ", 8);
    memcpy(body.oem_id, "LVCPR ", 6);
    body.revision = 2;
    body.length = sizeof(body);
    body.xsdt_address = xsdt;
    Bytes bytes = bytes_of(body);
    bytes[offsetof(Rsdp, checksum)] = checksum_of(bytes.data(), 20);
    bytes[offsetof(Rsdp, extended_checksum)] = checksum_of(bytes.data(), bytes.size());
    return bytes;
}

// Places one table after another; FACS wants 64-byte alignment, so all get it.
class Layout {
  public:
    explicit Layout(uint64_t base) : base_(base), blob_(sizeof(Rsdp)) {}
    uint64_t place(const Bytes& bytes) {
        blob_.resize((blob_.size() + 63) / 64 * 64);
        const uint64_t address = base_ + blob_.size();
        blob_.insert(blob_.end(), bytes.begin(), bytes.end());
        return address;
    }
    Bytes finish(const Bytes& root) {
        memcpy(blob_.data(), root.data(), root.size());
        return std::move(blob_);
    }

  private:
    uint64_t base_;
    Bytes blob_;
};

}  // namespace

std::vector<uint8_t> build_tables(uint64_t base, const Config& config) {
    Layout layout(base);
    const uint64_t dsdt = layout.place(table("DSDT", 2, dsdt_body(config)));
    const uint64_t tables[] = {layout.place(fadt(layout.place(facs()), dsdt)),
                               layout.place(madt(config)), layout.place(mcfg())};
    const uint64_t xsdt = layout.place(table("XSDT", 1, bytes_of(tables)));
    Bytes blob = layout.finish(rsdp(xsdt));
    if (blob.size() > platform::kAcpiSize)
        throw Error(ErrorCode::kInternal, "the ACPI tables take {} bytes", blob.size());
    return blob;
}

}  // namespace cpr::vmm::acpi

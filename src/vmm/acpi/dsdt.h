// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_ACPI_DSDT_H
#define CPR_VMM_ACPI_DSDT_H

#include "vmm/acpi/aml.h"
#include "vmm/acpi/tables.h"

namespace cpr::vmm::acpi {

// The definition block of the DSDT, without its table header: PCI host bridge with its windows and
// interrupt routing, serial ports, panic devices, RTC, processors, reserved memory and the S5
// state.
aml::Bytes dsdt_body(const Config& config);

}  // namespace cpr::vmm::acpi

#endif

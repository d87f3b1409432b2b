// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_RESOURCES_H
#define CPR_VMM_PCI_RESOURCES_H

namespace cpr::vmm {

class PciBus;

// What firmware does after power-on and after a reset, through the same configuration accesses as a
// guest: numbers the buses, gives every BAR an address and every bridge its windows, switches
// decoding on, and writes the interrupt lines. Throws Error kUnsupported if the BARs do not fit;
// the same devices fit again after a reset.
void assign_pci_resources(PciBus& root);

}  // namespace cpr::vmm

#endif

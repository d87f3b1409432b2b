// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_PCI_PCI_BUS_H
#define CPR_VMM_PCI_PCI_BUS_H

#include <cstdint>
#include <map>
#include <string>

#include "vmm/pci/pci_address.h"

namespace cpr::vmm {

class PciFunction;
class PciHost;

// One PCI bus: who is at which address. The functions are borrowed; they detach themselves.
class PciBus {
  public:
    // `bridge` leads to this bus; null for the root bus. A link has one slot, the root bus 32.
    PciBus(std::string id, PciHost& host, PciFunction* bridge)
        : id_(std::move(id)), host_(host), bridge_(bridge) {}
    PciBus(const PciBus&) = delete;
    PciBus& operator=(const PciBus&) = delete;

    const std::string& id() const { return id_; }
    PciHost& host() const { return host_; }
    PciFunction* bridge() const { return bridge_; }
    const std::map<uint8_t, PciFunction*>& functions() const { return functions_; }
    PciFunction* at(uint8_t devfn) const;

    // For PciFunction. Throws Error kInvalidArgument if the address is taken or cannot be.
    void attach(PciFunction& function, PciAddress address);
    void detach(PciFunction& function);
    // The first slot with nobody in it. Throws Error kInvalidArgument if there is none.
    PciAddress free_address() const;

  private:
    std::string id_;
    PciHost& host_;
    PciFunction* bridge_;
    std::map<uint8_t, PciFunction*> functions_;  // by devfn
};

}  // namespace cpr::vmm

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_DMA_CLAIMS_H
#define CPR_CONTROLLER_QEMU_DMA_CLAIMS_H

#include <cstdint>
#include <optional>
#include <vector>

struct seccomp_notif;

namespace cpr::controller::qemu {

// A DMA range of a VFIO container, by the number of its descriptor in QEMU, that a QEMU has claimed
// or tried to.
struct DmaClaim {
    int container = -1;
    uint64_t iova = 0;
    uint64_t size = 0;

    bool operator==(const DmaClaim&) const = default;
};

// Out of a QEMU's request to map memory for a device; nothing for one that is no claim. Throws
// Error if QEMU's memory cannot be read.
std::optional<DmaClaim> read_claim(const seccomp_notif& request);

// What the QEMU that is to take a guest over claims: of a dead one nobody else knows, and the next
// cannot claim a range that the dead has.
class DmaClaims {
  public:
    void note(const seccomp_notif& request);
    void forget() { claims_.clear(); }
    const std::vector<DmaClaim>& all() const { return claims_; }

  private:
    std::vector<DmaClaim> claims_;
};

}  // namespace cpr::controller::qemu

#endif

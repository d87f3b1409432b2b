// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_KVM_DOORBELLS_H
#define CPR_VMM_CORE_KVM_DOORBELLS_H

#include <set>

#include "base/event_loop.h"
#include "vmm/core/doorbells.h"
#include "vmm/core/kvm_api.h"

namespace cpr::vmm {

// Doorbells by KVM's ioeventfds. Main thread.
class KvmDoorbells final : public Doorbells {
  public:
    // Both outlive this object, and this object its doorbells. Nobody listens at first.
    KvmDoorbells(KvmVm& vm, EventLoop& loop) : vm_(vm), loop_(loop) {}

    std::unique_ptr<Doorbell> make(const DoorbellWrite& write,
                                   std::function<void()> on_ring) override;

    // Whether rings are told from the loop; otherwise they wait in their eventfds.
    void listen(bool on);
    // Tells of all that have been rung, now.
    void deliver();

  private:
    class Bell;

    KvmVm& vm_;
    EventLoop& loop_;
    bool listening_ = false;
    std::set<Bell*> bells_;
};

}  // namespace cpr::vmm

#endif

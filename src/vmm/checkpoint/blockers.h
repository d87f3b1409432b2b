// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHECKPOINT_BLOCKERS_H
#define CPR_VMM_CHECKPOINT_BLOCKERS_H

#include <list>
#include <vector>

#include "base/blocker.h"

namespace cpr::vmm {

// The counted list of blockers. Whoever cannot be carried over holds a Registration for as long as
// that is so. Used on the main thread only.
class Blockers {
  public:
    // Removes its blocker when it goes. Must not outlive the list.
    class Registration {
      public:
        Registration() = default;
        Registration(Registration&& other) noexcept;
        Registration& operator=(Registration&& other) noexcept;
        Registration(const Registration&) = delete;
        Registration& operator=(const Registration&) = delete;
        ~Registration() { remove(); }
        void remove();

      private:
        friend class Blockers;
        Registration(Blockers& list, std::list<Blocker>::iterator entry)
            : list_(&list), entry_(entry) {}
        Blockers* list_ = nullptr;
        std::list<Blocker>::iterator entry_;
    };

    [[nodiscard]] Registration add(Blocker blocker);
    size_t count() const { return blockers_.size(); }
    std::vector<Blocker> all() const { return {blockers_.begin(), blockers_.end()}; }

  private:
    std::list<Blocker> blockers_;
};

}  // namespace cpr::vmm

#endif

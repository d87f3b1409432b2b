// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_UNIT_VMM_QUIET_CHARDEV_H
#define CPR_UNIT_VMM_QUIET_CHARDEV_H

#include <mutex>
#include <string>

#include "vmm/chardev/chardev.h"

namespace cpr::vmm {

// A serial line whose output a test may read while vCPUs run.
class QuietChardev : public Chardev {
  public:
    using Chardev::Chardev;
    void write(std::span<const uint8_t> data) override {
        const std::lock_guard lock(mutex_);
        text_.append(data.begin(), data.end());
    }
    void set_receiver(Receiver) override {}
    std::string filename() const override { return "test"; }
    std::string text() {
        const std::lock_guard lock(mutex_);
        return text_;
    }

  private:
    std::mutex mutex_;
    std::string text_;
};

}  // namespace cpr::vmm

#endif

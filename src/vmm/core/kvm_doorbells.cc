// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vmm/core/kvm_doorbells.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace cpr::vmm {

class KvmDoorbells::Bell final : public Doorbell {
  public:
    Bell(KvmDoorbells& owner, const DoorbellWrite& write, std::function<void()> on_ring)
        : owner_(owner),
          write_(write),
          on_ring_(std::move(on_ring)),
          event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!event_)
            throw errno_error("make an eventfd");
        owner_.vm_.assign_ioeventfd(write_, event_.get());
        owner_.bells_.insert(this);
        listen(owner_.listening_);
    }
    ~Bell() override {
        owner_.bells_.erase(this);
        try {
            owner_.vm_.deassign_ioeventfd(write_, event_.get());
        } catch (const Error& error) {
            log::error("doorbell at port {:#x}: {}", write_.port, error.message());
        }
    }

    bool rung() const override {
        pollfd poll_fd{.fd = event_.get(), .events = POLLIN, .revents = 0};
        return poll(&poll_fd, 1, 0) == 1;
    }
    void ring() override { eventfd_write(event_.get(), 1); }
    void clear() override { take(); }

    void listen(bool on) {
        watch_.cancel();
        if (on)
            watch_ = owner_.loop_.watch_fd(event_.get(), G_IO_IN, [this](GIOCondition) {
                deliver();
                return true;
            });
    }
    void deliver() {
        if (take())
            on_ring_();
    }

  private:
    // Whether there was a ring to be taken.
    bool take() {
        eventfd_t count = 0;
        return eventfd_read(event_.get(), &count) == 0;
    }

    KvmDoorbells& owner_;
    DoorbellWrite write_;
    std::function<void()> on_ring_;
    UniqueFd event_;
    EventSource watch_;
};

std::unique_ptr<Doorbell> KvmDoorbells::make(const DoorbellWrite& write,
                                             std::function<void()> on_ring) {
    return std::make_unique<Bell>(*this, write, std::move(on_ring));
}

void KvmDoorbells::listen(bool on) {
    if (on == listening_)
        return;
    listening_ = on;
    for (Bell* bell : bells_)
        bell->listen(on);
}

void KvmDoorbells::deliver() {
    for (Bell* bell : bells_)
        bell->deliver();
}

}  // namespace cpr::vmm

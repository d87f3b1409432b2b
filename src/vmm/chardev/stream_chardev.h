// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_STREAM_CHARDEV_H
#define CPR_VMM_CHARDEV_STREAM_CHARDEV_H

#include <atomic>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "vmm/chardev/chardev.h"
#include "vmm/chardev/output_queue.h"

namespace cpr::vmm {

// What all character devices have that end in a descriptor: output with a queue, input by the
// receiver's room, and a log of the output. Derived classes say when the descriptor comes and goes.
class StreamChardev : public Chardev {
  public:
    void write(std::span<const uint8_t> data) override;
    void set_receiver(Receiver receiver) override;
    void accept_input() override;
    std::vector<uint8_t> pending_output() const override { return output_.pending(); }
    void restore_output(std::span<const uint8_t> data) override { output_.write(data); }
    void set_held(bool held) override;
    void keep(state::OutgoingFds& fds) const override;

  protected:
    StreamChardev(std::string id, EventLoop& loop, UniqueFd log);

    // From here on bytes go to and come from `fd`, which is made not blocking; empty: nobody there.
    void attach(UniqueFd fd);
    UniqueFd detach();
    int stream_fd() const { return fd_.get(); }
    void watch_input(bool on);
    // The other end has closed. Main thread; the descriptor is still attached.
    virtual void on_hangup() = 0;
    // False drops the output. Any thread that holds the machine lock.
    virtual bool has_reader() const { return true; }

    EventLoop& loop() { return loop_; }

  private:
    bool on_input();

    EventLoop& loop_;
    UniqueFd fd_;
    UniqueFd log_;
    OutputQueue output_;
    OutputQueue log_output_;
    Receiver receiver_;
    bool held_ = false;
    EventSource input_;
    // No room at the last try: waits for accept_input().
    std::atomic<bool> input_paused_ = false;
    std::shared_ptr<StreamChardev*> self_;
};

}  // namespace cpr::vmm

#endif

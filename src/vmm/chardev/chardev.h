// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CHARDEV_CHARDEV_H
#define CPR_VMM_CHARDEV_CHARDEV_H

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "vmm/checkpoint/participant.h"

namespace cpr::vmm {

// The host side of a character device (QEMU's -chardev): pty, file, unix socket, null. Its
// descriptors are carried over an update, so that its user stays connected. Input arrives on the
// main thread; write() may come from any thread that holds the machine lock.
class Chardev : public CheckpointParticipant {
  public:
    // Who gets the input; both on the main thread, under the machine lock if one was given with
    // set_lock(). `room` says how many bytes receive() takes now.
    struct Receiver {
        std::function<size_t()> room;
        std::function<void(std::span<const uint8_t>)> receive;
    };

    explicit Chardev(std::string id) : id_(std::move(id)) {}
    const std::string& id() const { return id_; }

    // Output of the guest. Never blocks and never throws: without a reader it is dropped, as on a
    // serial line with nobody at its end.
    virtual void write(std::span<const uint8_t> data) = 0;
    virtual void set_receiver(Receiver receiver) = 0;
    // The receiver has room again. Any thread.
    virtual void accept_input() {}
    // query-chardev's filename, such as "pty:/dev/pts/3", and whether somebody is at the other end.
    virtual std::string filename() const = 0;
    virtual bool frontend_open() const { return true; }

    // The lock under which the receiver is called; null for none. Main thread, without vCPUs.
    void set_lock(std::mutex* lock) { lock_ = lock; }

    // While held nothing is read or sent: from a save on, so that input gathers in the descriptor
    // and output is neither lost nor sent twice, whoever goes on. Main thread.
    virtual void set_held(bool) {}
    // Output that the other end has not taken yet, which an update carries over.
    virtual std::vector<uint8_t> pending_output() const { return {}; }
    // Puts such output into a new, held object.
    virtual void restore_output(std::span<const uint8_t>) {}

  protected:
    std::unique_lock<std::mutex> lock_machine() const {
        return lock_ ? std::unique_lock(*lock_) : std::unique_lock<std::mutex>();
    }

  private:
    std::string id_;
    std::mutex* lock_ = nullptr;
};

// The machine's character devices by id.
using Chardevs = std::map<std::string, std::unique_ptr<Chardev>>;

}  // namespace cpr::vmm

#endif

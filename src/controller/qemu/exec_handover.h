// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_EXEC_HANDOVER_H
#define CPR_CONTROLLER_QEMU_EXEC_HANDOVER_H

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "controller/binary_info.h"
#include "controller/vmm_process.h"

namespace cpr::controller::qemu {

// What a QEMU that is no more has left of its guest: its descriptors, by the numbers that they had,
// and of them the table in which it says what they are.
struct KeptGuest {
    std::map<int, UniqueFd> fds;
    int table = -1;
};

// What the next QEMU is started with: what it keeps by number, and descriptors of ours with the
// numbers that they have there.
struct NextProgram {
    const Binary& binary;
    const std::vector<std::string>& arguments;
    std::vector<int> keep;
    const std::vector<std::pair<int, int>>& placed;
};

// The controller's side of virt-cpr-qemu-exec (exec_messages.h). What it says comes from a process
// that may be in the guest's hands. On the update job's thread; all throw Error.
class ExecHandover {
  public:
    // Listens there.
    explicit ExecHandover(std::string path);
    ~ExecHandover();
    ExecHandover(const ExecHandover&) = delete;
    ExecHandover& operator=(const ExecHandover&) = delete;

    // The program's call, out of that process. `look` is called now and then, and may throw.
    void accept(const VmmProcess& process, std::chrono::milliseconds deadline,
                const std::function<void()>& look);
    KeptGuest receive(std::chrono::milliseconds deadline);
    // The program becomes the next QEMU, or complaint() says why not.
    void run(const NextProgram& next);
    // Empty if it has none, or none yet.
    std::string complaint();

  private:
    std::string path_;
    UniqueFd listener_;
    UniqueFd program_;
};

}  // namespace cpr::controller::qemu

#endif

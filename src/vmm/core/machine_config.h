// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_MACHINE_CONFIG_H
#define CPR_VMM_CORE_MACHINE_CONFIG_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cpr::vmm {

// A -device: driver, id (empty if none was given) and the other properties as text.
struct DeviceConfig {
    std::string driver;
    std::string id;
    std::map<std::string, std::string> properties;
};

// A -chardev.
struct ChardevConfig {
    enum class Type { kNull, kPty, kFile, kSocket, kStdio };
    std::string id;
    Type type = Type::kNull;
    std::string path;  // file or unix socket
    int fd = -1;       // a descriptor that was passed in (listening or connected)
    int fdset = -1;    // or a set of -add-fd, from a path /dev/fdset/N
    bool append = false;
    bool server = false;
    bool wait = true;      // server: wait for a client at start
    std::string log_path;  // logfile=
    int log_fdset = -1;
    bool log_append = false;
};

// -mon or -object monitor-qmp.
struct MonitorConfig {
    std::string id;
    std::string chardev;
};

// -add-fd.
struct PassedFd {
    int set = 0;
    int fd = -1;
    std::string opaque;
};

// -smp: the product is the number of vCPUs.
struct CpuTopology {
    uint32_t sockets = 1;
    uint32_t dies = 1;
    uint32_t cores = 1;
    uint32_t threads = 1;
};

// The guest as the command line describes it; plain data.
struct MachineConfig {
    std::string name;
    std::string uuid;
    std::string machine_type;
    uint64_t memory_bytes = 0;
    std::string memory_backend_id;  // id of the memory-backend-* object
    bool memory_shared = true;      // else no other program can have it: no updates
    uint32_t vcpus = 1;
    CpuTopology topology;
    std::map<std::string, bool> cpu_features;  // -cpu host,+x,-y
    std::string kernel;
    std::string initrd;
    std::string cmdline;
    std::vector<DeviceConfig> devices;  // in order
    std::vector<ChardevConfig> chardevs;
    std::vector<std::string> serials;     // chardev ids of isa-serial, by port
    std::vector<std::string> serial_ids;  // ids of these devices, by port
    std::vector<MonitorConfig> monitors;
    std::vector<PassedFd> passed_fds;
    bool start_paused = false;  // -S
    bool no_reboot = false;     // a guest reset ends the VMM
    bool no_shutdown = false;   // a guest power-off pauses instead of ending the VMM
    bool rtc_utc = true;
    std::optional<int> cpr_fd;        // -cpr fd=N: continue a guest
    std::optional<int> rehearsal_fd;  // rehearse=M: only try to, on a copy of its state
};

}  // namespace cpr::vmm

#endif

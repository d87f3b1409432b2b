// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit/vmm/machine_world.h"

#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cpr::vmm {

MachineWorld::MachineWorld() {
    std::string name = (std::filesystem::temp_directory_path() / "machine-test-XXXXXX").string();
    if (!mkdtemp(name.data()))
        throw errno_error("make a folder for the test");
    folder_ = name;
    auto line = std::make_unique<QuietChardev>("line");
    chardev = line.get();
    chardevs["line"] = std::move(line);
    config.memory_bytes = uint64_t{64} << 20;
    config.vcpus = 2;
    config.serials = {"line"};
    config.kernel = write_file("kernel", BootImage().bytes());
    config.initrd = write_file("initrd", {'i', 'n', 'i', 't', 'r', 'd'});
    config.cmdline = "console=ttyS0";
}

MachineWorld::~MachineWorld() {
    machine.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string MachineWorld::write_file(const std::string& name, const std::vector<uint8_t>& content) {
    const auto path = folder_ / name;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
    return path.string();
}

void MachineWorld::make(Restored* restored) {
    MachineBackends backends;
    backends.kvm = std::make_unique<fakes::FakeKvm>(kvm);
    backends.vfio = std::make_unique<fakes::FakeVfio>();
    machine =
        std::make_unique<Machine>(config, loop, blockers, chardevs, restored, std::move(backends));
    machine->set_events({[this] { on_entry(); }, [this] { events.emplace_back("stop"); },
                         [this] { events.emplace_back("resume"); },
                         [this] { events.emplace_back("panic"); },
                         [this](ShutdownCause cause) {
                             events.push_back(fmt::format("reset {}", to_string(cause)));
                         },
                         [this](ShutdownCause cause) {
                             events.push_back(fmt::format("shutdown {}", to_string(cause)));
                         }});
}

std::vector<uint8_t> MachineWorld::save() {
    state::StreamWriter writer;
    machine->save(writer);
    return writer.finish();
}

state::IncomingFds MachineWorld::kept() {
    state::OutgoingFds fds;
    machine->keep(fds);
    for (const CheckpointParticipant* participant : machine->participants())
        participant->keep(fds);
    // An exec would leave the new binary alone with them; here both sides have their own.
    nlohmann::json table = nlohmann::json::parse(fds.serialize());
    for (auto& entry : table)
        entry["fd"] = dup(entry["fd"].get<int>());
    const std::string text = table.dump();
    return state::IncomingFds({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

void MachineWorld::push_out(uint32_t vcpu, uint64_t port, int value) {
    kvm.push_exit(vcpu, [=](kvm_run& run) {
        run.exit_reason = KVM_EXIT_IO;
        run.io.direction = KVM_EXIT_IO_OUT;
        run.io.size = 1;
        run.io.port = static_cast<uint16_t>(port);
        run.io.count = 1;
        run.io.data_offset = 4096;
        reinterpret_cast<uint8_t*>(&run)[4096] = static_cast<uint8_t>(value);
    });
}

void MachineWorld::read_ram(uint64_t gpa, void* to, size_t size) {
    memcpy(to, kvm.host_of(gpa, size), size);
}

void MachineWorld::write_ram(uint64_t gpa, const void* from, size_t size) {
    memcpy(kvm.host_of(gpa, size), from, size);
}

std::string MachineWorld::ram_text(uint64_t gpa) {
    std::string text;
    while (text.size() < 4096) {
        const char next = ram<char>(gpa + text.size());
        if (next == 0)
            break;
        text += next;
    }
    return text;
}

}  // namespace cpr::vmm

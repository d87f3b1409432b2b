// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine out of a state of which one section is the input: its number, its version, its content.
// First in a rehearsal, which refuses nothing that the machine takes.
#include <cstdlib>

#include "fuzz/fuzz.h"
#include "unit/vmm/machine_world.h"

namespace {

using namespace cpr;
using namespace cpr::vmm;

class World : public MachineWorld {
  public:
    World() {
        config.devices = {{"pcie-root-port", "rp1", {{"bus", "pcie.0"}, {"addr", "1"}}},
                          {"pvpanic", "", {}}};
        make();
        good_ = save();
        old_ = std::move(machine);
    }
    ~World() override { machine.reset(); }

    void run(fuzz::Input input) {
        std::swap(machine, old_);
        state::IncomingFds fds = kept();
        std::swap(machine, old_);
        const auto bytes = stream(input);
        const bool rehearsed = rehearse(bytes, fds);
        fds.reset();
        try {
            Restored restored{state::StreamReader(bytes), fds};
            make(&restored);
            restored.state.finish();
            if (!rehearsed)
                abort();
            // It is a guest like others: it can be saved, reset and ended.
            save();
            machine->reset(ShutdownCause::kHostQmpSystemReset);
        } catch (const Error&) {
        }
        machine.reset();
        kvm.calls.clear();
        events.clear();
    }

  private:
    void TestBody() override {}

    bool rehearse(const std::vector<uint8_t>& bytes, state::IncomingFds& fds) {
        try {
            Restored restored{state::StreamReader(bytes), fds, true};
            rehearse_machine(config, loop, chardevs, restored);
            restored.state.finish();
            return true;
        } catch (const Error&) {
            return false;
        }
    }

    std::vector<uint8_t> stream(fuzz::Input& input) const {
        const auto sections = state::cut_sections(good_);
        const size_t replaced = input.byte() % sections.size();
        const uint8_t version = input.byte();
        const auto content = input.rest();
        state::StreamWriter writer;
        for (size_t i = 0; i < sections.size(); ++i) {
            state::SectionInfo info = sections[i].info;
            if (i == replaced)
                info.version = version;
            const auto payload = i == replaced ? content : sections[i].payload;
            writer.add_payload(info, {payload.begin(), payload.end()});
        }
        return writer.finish();
    }

    std::vector<uint8_t> good_;
    std::unique_ptr<Machine> old_;
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static World world;
    world.run(fuzz::Input(data, size));
    return 0;
}

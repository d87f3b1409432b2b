// SPDX-License-Identifier: LGPL-2.1-or-later
// QEMU's command line as a model: each argument with a zero byte, the program first.
#include "controller/command_line.h"
#include "controller/qemu/argument_model.h"
#include "controller/qemu/key_values.h"
#include "controller/qemu/shared_memory.h"
#include "controller/qemu/start_edits.h"
#include "fuzz/fuzz.h"

namespace {

using namespace cpr;
using namespace cpr::controller;
using namespace cpr::controller::qemu;

// Pairs that were set say so when they are read again, and the others say what they said.
void check_pairs(const std::string& text) {
    for (const char* implied : {"", "first"}) {
        KeyValues pairs(text, implied);
        fuzz::require(pairs.text() == text, "pairs are written as they came");
        const auto id = pairs.get("id");
        pairs.set("share", "a,=b");
        fuzz::require(pairs.get("share") == "a,=b", "what was set is there");
        const KeyValues again(pairs.text(), implied);
        fuzz::require(again.get("share") == "a,=b", "what was set is read again");
        fuzz::require(again.get("id") == id, "the others stay");
    }
}

void check_edits(ArgumentModel model) {
    StartFacts facts;
    facts.has_aux_ram_share = true;
    facts.default_ram_id = "pc.ram";
    facts.look_at = [](const std::string& path) {
        return HostPath{path.starts_with("/h"), uint64_t{2} << 20};
    };
    const auto before = model.write();
    if (!share_memory(model, facts).empty()) {
        fuzz::require(model.write() == before, "what is refused is not changed");
        return;
    }
    const auto once = model.write();
    ArgumentModel again = ArgumentModel::parse(once);
    fuzz::require(share_memory(again, facts).empty() && again.write() == once,
                  "the second time changes nothing");
    set_incoming(model, {5});
    fuzz::require(model.all("incoming").size() == 2, "there are two channels");
    set_private_monitor(model, 7);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text = fuzz::Input(data, size).text();
    check_pairs(text.substr(0, text.find('\0')));
    try {
        const auto argv = split_arguments(text);
        const ArgumentModel model = ArgumentModel::parse(argv);
        fuzz::require(model.write() == argv, "arguments are written as they came");
        check_edits(model);
    } catch (const Error&) {
    }
    return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/tool_main.h"
#include "tools/virsh_front_end.h"

namespace {

using namespace cpr::tools;

// What belongs to this program is beside it, wherever a link to it may be.
std::filesystem::path own_folder() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

int run(const std::string& called_as, const std::vector<std::string>& arguments) {
    const char* search_path = std::getenv("PATH");
    StockVirsh stock =
        StockVirsh::find(called_as, search_path ? search_path : "/usr/bin:/bin", "/proc/self/exe");
    VirshArguments parsed = parse_virsh_arguments(arguments);
    VirshPlan plan = make_plan(parsed);
    if (plan.is_interactive) {
        stock.become_interactive(arguments, own_folder() / "virsh-readline.so");
    }
    if (plan.is_all_stock) {
        stock.become(arguments);
    }
    return VirshFrontEnd(std::move(parsed), std::move(stock)).run(plan);
}

}  // namespace

int main(int argc, char** argv) {
    return tool_main([&] { return run(argc > 0 ? argv[0] : "virsh", {argv + 1, argv + argc}); });
}

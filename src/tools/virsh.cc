// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "tools/i18n.h"
#include "tools/message.h"
#include "tools/virsh_front_end.h"

namespace {

using namespace cpr::tools;

int run(const std::string& called_as, const std::vector<std::string>& arguments) {
    const char* search_path = std::getenv("PATH");
    StockVirsh stock =
        StockVirsh::find(called_as, search_path ? search_path : "/usr/bin:/bin", "/proc/self/exe");
    VirshArguments parsed = parse_virsh_arguments(arguments);
    VirshPlan plan = make_plan(parsed);
    if (plan.is_all_stock) {
        stock.become(arguments);
    }
    return VirshFrontEnd(std::move(parsed), std::move(stock)).run(plan);
}

}  // namespace

int main(int argc, char** argv) {
    set_up_language();
    try {
        return run(argc > 0 ? argv[0] : "virsh", {argv + 1, argv + argc});
    } catch (const std::exception& error) {
        print_error(error.what());
        return EXIT_FAILURE;
    }
}

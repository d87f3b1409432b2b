// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_VIRSH_FRONT_END_H
#define CPR_TOOLS_VIRSH_FRONT_END_H

#include <string>
#include <vector>

#include "tools/stock_virsh.h"
#include "tools/virsh_plan.h"

namespace cpr::tools {

// Carries a plan out, step by step, with the output and the exit status that virsh would have if
// update-in-place were its own.
class VirshFrontEnd {
  public:
    VirshFrontEnd(VirshArguments arguments, StockVirsh stock)
        : arguments_(std::move(arguments)), stock_(std::move(stock)) {}

    // Returns the exit status: that of the last step.
    int run(const VirshPlan& plan);

  private:
    bool run_step(const Step& step);
    bool run_stock(const Step& step);
    bool run_own(const Step& step);
    bool run_listing(const Step& step);
    bool run_completion(const Step& step);

    VirshArguments arguments_;
    StockVirsh stock_;
};

}  // namespace cpr::tools

#endif

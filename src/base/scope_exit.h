// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_BASE_SCOPE_EXIT_H
#define CPR_BASE_SCOPE_EXIT_H

#include <utility>

namespace cpr {

// Runs a function when the scope is left, unless dismissed: the undo of a step that did not get
// through. The function must not throw.
template <typename Function>
class ScopeExit {
  public:
    explicit ScopeExit(Function function) : function_(std::move(function)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() {
        if (armed_)
            function_();
    }
    void dismiss() { armed_ = false; }

  private:
    Function function_;
    bool armed_ = true;
};

}  // namespace cpr

#endif

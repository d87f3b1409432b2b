// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_FAKES_GONE_H
#define CPR_FAKES_GONE_H

#include <memory>
#include <vector>

namespace cpr::vmm::fakes {

// Lets something go as an exec does, without its destructor. It stays within reach, which tells a
// checker for leaks that this is meant.
template <typename T>
void let_go(std::unique_ptr<T> object) {
    static auto* const gone = new std::vector<T*>;
    gone->push_back(object.release());
}

}  // namespace cpr::vmm::fakes

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CLIENT_C_STRING_H
#define CPR_CLIENT_C_STRING_H

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

namespace cpr::client {

struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
};

// What a C caller frees, or libvirt has allocated, by malloc().
template <typename T>
using Allocated = std::unique_ptr<T, FreeMemory>;

// A copy for a C caller. Throws std::bad_alloc.
inline Allocated<char> copy_for_caller(const std::string& text) {
    Allocated<char> copy(strdup(text.c_str()));
    if (!copy) {
        throw std::bad_alloc();
    }
    return copy;
}

}  // namespace cpr::client

#endif  // CPR_CLIENT_C_STRING_H

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/entry_gate.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "base/error.h"

namespace cpr::state {
namespace {

constexpr size_t kSize = 4096;

enum Word : uint32_t { kOpen, kEntered, kWithdrawn };

// True if the word is `to` now.
bool move(uint32_t* word, Word to) {
    uint32_t expected = kOpen;
    return std::atomic_ref(*word).compare_exchange_strong(expected, to) || expected == to;
}

}  // namespace

UniqueFd EntryGate::create() {
    UniqueFd fd(memfd_create("cpr-entry-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        throw errno_error("make the entry gate");
    if (ftruncate(fd.get(), kSize) < 0)
        throw errno_error("size the entry gate");
    // Whoever maps it must not be killed by a peer that takes the page away.
    if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        throw errno_error("seal the entry gate");
    return fd;
}

EntryGate::EntryGate(int fd) {
    const int seals = fcntl(fd, F_GET_SEALS);
    struct stat info {};
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &info) < 0 || info.st_size != kSize)
        throw Error(ErrorCode::kCorruptState, "the entry gate is not one");
    void* page = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        throw errno_error("map the entry gate");
    word_ = static_cast<uint32_t*>(page);
}

EntryGate::~EntryGate() {
    munmap(word_, kSize);
}

bool EntryGate::enter() {
    return move(word_, kEntered);
}

bool EntryGate::withdraw() {
    return move(word_, kWithdrawn);
}

void EntryGate::reopen() {
    std::atomic_ref(*word_).store(kOpen);
}

bool EntryGate::entered() const {
    return std::atomic_ref(*word_).load() == kEntered;
}

}  // namespace cpr::state

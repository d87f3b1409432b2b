// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_STATE_VERSIONS_H
#define CPR_STATE_VERSIONS_H

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "state/archive.h"

namespace cpr::state {

// Versions of a state's layout. A field that came later stays in the one list of fields, marked
// with the version that it came with:
//
//     static constexpr uint16_t kVersion = 2;
//     static constexpr uint16_t kOldestVersion = 1;  // the list without the later fields
//     ...
//         archive(self.value);
//         archive.since(2, self.scratch);
//
// While such a field is T{} its feature is not in use. A state is written in the lowest version
// that holds it, so a program that knows no later one can take the guest over for as long as it can
// do so without loss. A layout that changed in another way begins anew, with the old one beside it:
//
//     using Previous = OldState;
//     static NewState upgrade(const OldState& old);

template <Fielded State>
constexpr uint16_t oldest_written() {
    if constexpr (requires { State::kOldestVersion; })
        return State::kOldestVersion;
    else
        return State::kVersion;
}

template <Fielded State>
constexpr uint16_t oldest_read() {
    if constexpr (requires { typename State::Previous; }) {
        using Previous = typename State::Previous;
        static_assert(Previous::kKind == State::kKind);
        static_assert(Previous::kVersion + 1 == oldest_written<State>());
        return oldest_read<Previous>();
    } else {
        return oldest_written<State>();
    }
}

// Whether the version depends on what the state holds.
template <Fielded State>
constexpr bool kVersionVaries = oldest_written<State>() < State::kVersion;

// Looks only for later fields that are in use.
class VersionNeeded {
  public:
    explicit VersionNeeded(uint16_t oldest) : version_(oldest) {}

    template <typename... T>
    void operator()(const T&...) {}
    template <typename T>
    void raw(const T&) {}
    template <std::equality_comparable T>
    void since(uint16_t version, const T& value) {
        if (!(value == T{}))
            version_ = std::max(version_, version);
    }
    uint16_t version() const { return version_; }

  private:
    uint16_t version_;
};

// A section's own list may have later fields. A struct inside of it may not: it belongs to several
// sections, with versions of their own.
class OutSection : public OutArchive {
  public:
    explicit OutSection(uint16_t version) : version_(version) {}

    template <typename T>
    void since(uint16_t version, const T& value) {
        if (version <= version_)
            (*this)(value);
    }

  private:
    uint16_t version_;
};

class InSection : public InArchive {
  public:
    InSection(uint16_t version, std::span<const uint8_t> bytes)
        : InArchive(bytes), version_(version) {}

    template <typename T>
    void since(uint16_t version, T& value) {
        if (version <= version_)
            (*this)(value);
        else
            value = T{};
    }

  private:
    uint16_t version_;
};

// The lowest version that holds all of a state.
template <Fielded State>
uint16_t version_needed(const State& state) {
    VersionNeeded needed(oldest_written<State>());
    State::fields(state, needed);
    return needed.version();
}

template <Fielded State>
std::vector<uint8_t> write_payload(const State& state) {
    OutSection out(version_needed(state));
    State::fields(state, out);
    return out.take();
}

// Reads a payload whole, in any version from oldest_read() to kVersion. Throws Error
// kCorruptState.
template <Fielded State>
State read_payload(uint16_t version, std::span<const uint8_t> payload) {
    if constexpr (requires { typename State::Previous; }) {
        if (version < oldest_written<State>())
            return State::upgrade(read_payload<typename State::Previous>(version, payload));
    }
    State state;
    InSection in(version, payload);
    State::fields(state, in);
    in.finish();
    if constexpr (requires { state.validate(); })
        state.validate();
    return state;
}

}  // namespace cpr::state

#endif

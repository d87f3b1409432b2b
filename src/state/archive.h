// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_STATE_ARCHIVE_H
#define CPR_STATE_ARCHIVE_H

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace cpr::state {

// A device's state is one struct with one list of its fields, used in both directions:
//
//     struct State {
//         static constexpr std::string_view kKind = "serial16550";
//         static constexpr uint16_t kVersion = 1;
//         uint8_t scratch = 0;
//         std::vector<uint8_t> fifo;
//
//         template <typename Self, typename Archive>
//         static void fields(Self& self, Archive& archive) {
//             archive(self.scratch, self.fifo);
//         }
//         void validate() const;  // optional: throws Error on values that no device can have
//     };
//
// Integers are little endian and of their own size; bool is one byte, 0 or 1; containers have a
// 32-bit count first; kernel ABI structs go as their bytes (raw). See docs/state-format.md.

template <typename T>
concept Fielded = requires {
    T::kKind;
}
|| requires {
    T::kFielded;
};

// Turns values into bytes.
class OutArchive {
  public:
    template <typename... T>
    void operator()(const T&... values) {
        (put(values), ...);
    }
    // A struct of the kernel's ABI, byte for byte.
    template <typename T>
    void raw(const T& value) {
        static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
        append(&value, sizeof(value));
    }
    std::vector<uint8_t> take() { return std::move(bytes_); }

  private:
    template <typename T>
    void put(const T& value) {
        if constexpr (Fielded<T>) {
            T::fields(value, *this);
        } else if constexpr (std::is_enum_v<T>) {
            put(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::is_same_v<T, bool>) {
            put(static_cast<uint8_t>(value ? 1 : 0));
        } else {
            static_assert(std::is_integral_v<T>, "list the members, or use raw()");
            append(&value, sizeof(value));
        }
    }
    template <typename T, size_t N>
    void put(const std::array<T, N>& values) {
        for (const T& value : values)
            put(value);
    }
    template <typename T>
    void put(const std::vector<T>& values) {
        put(static_cast<uint32_t>(values.size()));
        for (const T& value : values)
            put(value);
    }
    template <typename T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value)
            put(*value);
    }
    void put(const std::string& text) {
        put(static_cast<uint32_t>(text.size()));
        append(text.data(), text.size());
    }
    void append(const void* data, size_t size) {
        const auto* bytes = static_cast<const uint8_t*>(data);
        bytes_.insert(bytes_.end(), bytes, bytes + size);
    }

    std::vector<uint8_t> bytes_;
};

// Turns bytes into values; every step is checked. Throws Error kCorruptState.
class InArchive {
  public:
    explicit InArchive(std::span<const uint8_t> bytes) : bytes_(bytes) {}

    template <typename... T>
    void operator()(T&... values) {
        (get(values), ...);
    }
    template <typename T>
    void raw(T& value) {
        static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
        copy(&value, sizeof(value));
    }
    // Refuses bytes that nobody asked for.
    void finish() const {
        if (!bytes_.empty())
            throw Error(ErrorCode::kCorruptState, "{} bytes are left over", bytes_.size());
    }

  private:
    template <typename T>
    void get(T& value) {
        if constexpr (Fielded<T>) {
            T::fields(value, *this);
        } else if constexpr (std::is_enum_v<T>) {
            std::underlying_type_t<T> number{};
            get(number);
            value = static_cast<T>(number);
        } else if constexpr (std::is_same_v<T, bool>) {
            uint8_t byte = 0;
            get(byte);
            if (byte > 1)
                throw Error(ErrorCode::kCorruptState, "a flag has the value {}", byte);
            value = byte == 1;
        } else {
            static_assert(std::is_integral_v<T>, "list the members, or use raw()");
            copy(&value, sizeof(value));
        }
    }
    template <typename T, size_t N>
    void get(std::array<T, N>& values) {
        for (T& value : values)
            get(value);
    }
    template <typename T>
    void get(std::vector<T>& values) {
        values.clear();
        // Every element takes at least a byte, so a count can be no larger than what is left.
        const uint32_t count = get_count();
        for (uint32_t i = 0; i < count; ++i)
            get(values.emplace_back());
    }
    template <typename T>
    void get(std::optional<T>& value) {
        bool present = false;
        get(present);
        value.reset();
        if (present)
            get(value.emplace());
    }
    void get(std::string& text) {
        text.resize(get_count());
        copy(text.data(), text.size());
    }
    uint32_t get_count();
    void copy(void* to, size_t size);

    std::span<const uint8_t> bytes_;
};

}  // namespace cpr::state

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_KEY_VALUES_H
#define CPR_CONTROLLER_QEMU_KEY_VALUES_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cpr::controller::qemu {

// An option's argument of the form key=value,... in which a comma of a value is written twice.
// Pairs that are not changed are written back byte for byte.
class KeyValues {
  public:
    // `implied_key` is that of a first value without key; without one it is a flag.
    KeyValues(std::string_view text, std::string_view implied_key);

    // The last value of a key, which is the one that QEMU takes. A flag is "on", and "off" if it
    // is written as its name with "no" before it.
    std::optional<std::string> get(std::string_view key) const;
    // Changes the last value of a key and drops the others, or adds the key at the end.
    void set(std::string_view key, std::string_view value);
    void erase(std::string_view key);
    // In the order in which they are written, each as often as it is.
    std::vector<std::string> keys() const;
    // All values of a key that may be given more than once.
    std::vector<std::string> values(std::string_view key) const;

    std::string text() const;

  private:
    struct Pair {
        std::string key;
        std::string value;
        // As written.
        std::string raw;
        // A flag, written without value.
        bool flag = false;
    };

    static Pair read_pair(std::string_view& rest, std::string_view implied_key);
    void drop_empty_pairs();
    std::optional<std::string> value_for(const Pair& pair, std::string_view key) const;

    std::vector<Pair> pairs_;
};

// `value` with its commas written twice.
std::string escape_commas(std::string_view value);

}  // namespace cpr::controller::qemu

#endif

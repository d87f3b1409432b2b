// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_DESCRIPTORS_H
#define CPR_CONTROLLER_QEMU_DESCRIPTORS_H

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/qemu/argument_model.h"

namespace cpr::controller::qemu {

// The serial number of a descriptor that came over the monitor: 1 for the first. Whoever has a
// duplicate of it knows it by that.
using Serial = uint64_t;

// Which descriptors that came over the monitor belong to what: to a name (getfd) until something
// takes it, to a set (add-fd), or to an option of the command line. Those that QEMU was started
// with are on the command line by number.
class Descriptors {
  public:
    // Numbers descriptors as they arrive.
    std::vector<Serial> arrive(size_t count);

    void name(const std::string& name, Serial serial);
    void forget_name(const std::string& name) { names_.erase(name); }
    const std::map<std::string, Serial>& names() const { return names_; }

    // Puts one into a set, as which QEMU's answer numbers it: an option -add-fd.
    void add_to_set(ArgumentModel& line, int64_t set, int64_t number, const std::string& opaque,
                    Serial serial);
    // Without a number: the whole set. False if it cannot be told which of a set's is meant.
    bool remove_from_set(ArgumentModel& line, int64_t set, std::optional<int64_t> number);

    // An option that was added while the guest ran has taken the names that it gives for
    // descriptors. Returns the first that is not known.
    std::optional<std::string> take(const Option& option);
    // The option with that name and id is gone.
    void release(std::string_view option, const std::string& id);

    // All that something belongs to; duplicates of others are not needed any more.
    std::set<Serial> live() const;
    // Puts the numbers that descriptors have for the next QEMU into its command line.
    void write_numbers(ArgumentModel& line, const std::function<int(Serial)>& number_of) const;

  private:
    struct Use {
        std::string option;
        std::string id;
        std::string key;
        std::vector<Serial> serials;
    };

    std::optional<std::string> take_key(const Option& option, const std::string& key);

    Serial last_ = 0;
    std::map<std::string, Serial> names_;
    // By set and the number that QEMU has given.
    std::map<std::pair<int64_t, int64_t>, Serial> sets_;
    std::vector<Use> uses_;
};

// Gives descriptors that a command line names by number other numbers.
void renumber(ArgumentModel& line, const std::map<int, int>& numbers);
// Those that it names so of one option.
std::vector<int> numbers_of(const Option& option);

// The sets of descriptors (/dev/fdset/N) that a command line refers to and does not have.
std::vector<std::string> missing_sets(const ArgumentModel& line);

}  // namespace cpr::controller::qemu

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_ARGUMENT_MODEL_H
#define CPR_CONTROLLER_QEMU_ARGUMENT_MODEL_H

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "controller/qemu/option.h"

namespace cpr::controller::qemu {

// A command line of QEMU's as a list of options, read once, changed, and written back. Options are
// looked up by name without dashes, and keep their places in memory until they are erased.
class ArgumentModel {
  public:
    // Takes argv, program first. Throws Error kUnsupported, which names the argument, for an option
    // that the table does not have and for what is no option: where the next option begins would
    // then be a guess.
    static ArgumentModel parse(const std::vector<std::string>& argv);

    // What was not changed is byte for byte what came in.
    std::vector<std::string> write() const;

    const std::string& program() const { return program_; }
    void set_program(std::string program) { program_ = std::move(program); }

    // All options of one name, in their order: "device", "object", "netdev", "chardev",
    // "blockdev", "drive", "machine", "mon", "incoming", "add-fd", "sandbox", "numa", "global", ...
    std::vector<Option*> all(std::string_view name);
    std::vector<const Option*> all(std::string_view name) const;
    bool has(std::string_view name) const;
    // By Option::id(); nullptr if there is none.
    Option* find(std::string_view name, std::string_view id);
    const Option* find(std::string_view name, std::string_view id) const;
    // -object with that qom-type, in their order.
    std::vector<Option*> objects_of(std::string_view type);

    // A property of the machine: the last that any -machine or -M sets. Empty if none does.
    std::string machine_property(std::string_view key) const;
    // Sets it where it is set, or on the last -machine, or on a new one.
    void set_machine_property(std::string_view key, const Object& value);

    Option& append(Option option);
    // Directly before `place`, which is in this model.
    Option& insert_before(const Option& place, Option option);
    // Directly behind `place`: a device whose node comes later.
    void move_behind(const Option& option, const Option& place);
    void erase(const Option& option);
    // Returns how many there were.
    size_t erase(std::string_view name, std::string_view id);
    size_t erase_if(const std::function<bool(const Option&)>& condition);

  private:
    std::list<Option>::iterator place_of(const Option& option);

    std::string program_;
    std::list<Option> options_;
};

}  // namespace cpr::controller::qemu

#endif

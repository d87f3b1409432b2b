// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/configuration.h"

namespace cpr::controller::qemu {

std::string text_of(const nlohmann::json& arguments, const char* name) {
    if (!arguments.is_object())
        return {};
    const auto found = arguments.find(name);
    return found != arguments.end() && found->is_string() ? found->get<std::string>()
                                                          : std::string();
}

bool flag_of(const nlohmann::json& arguments, const char* name) {
    if (!arguments.is_object())
        return false;
    const auto found = arguments.find(name);
    return found != arguments.end() && found->is_boolean() && found->get<bool>();
}

void note_irreproducible(Configuration& guest, const std::string& key, const Text& reason) {
    guest.blockers.set(key, {kNotReproducibleBlocker, reason, kRestartRemedy});
}

}  // namespace cpr::controller::qemu

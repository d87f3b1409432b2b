// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_CONTROLLER_QEMU_RESTORE_FILE_H
#define CPR_CONTROLLER_QEMU_RESTORE_FILE_H

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "controller/qemu/argument_model.h"

namespace cpr::controller::qemu {

// libvirt 11.3 and before restores a saved guest by migrate-incoming from "fd:N", and QEMU
// since 11.0 takes no file in this way, only by the name of a set of descriptors.

// At the start, of a QEMU that waits for a guest: the files among what it inherits, each in a set.
void offer_restore_files(ArgumentModel& model, const std::vector<int>& inherited);

// Names the set in a migrate-incoming command of libvirt's, if it names such a file. The file is
// read from where it stands.
void use_restore_file(nlohmann::json& command, const ArgumentModel& model);

}  // namespace cpr::controller::qemu

#endif

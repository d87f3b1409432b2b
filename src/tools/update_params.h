// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_TOOLS_UPDATE_PARAMS_H
#define CPR_TOOLS_UPDATE_PARAMS_H

#include <libvirt/libvirt.h>

#include "tools/update_request.h"

namespace cpr::tools {

// What a request says of how to update, as the library takes it.
class UpdateParams {
  public:
    // Throws std::bad_alloc.
    explicit UpdateParams(const UpdateRequest& request);
    UpdateParams(const UpdateParams&) = delete;
    UpdateParams& operator=(const UpdateParams&) = delete;
    ~UpdateParams();

    virTypedParameterPtr data() const { return params_; }
    int size() const { return size_; }

  private:
    void add(const char* name, const std::string& value);
    void add(const char* name, unsigned int value);

    virTypedParameterPtr params_ = nullptr;
    int size_ = 0;
    int capacity_ = 0;
};

}  // namespace cpr::tools

#endif

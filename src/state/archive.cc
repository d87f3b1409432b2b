// SPDX-License-Identifier: LGPL-2.1-or-later
#include "state/archive.h"

namespace cpr::state {

uint32_t InArchive::get_count() {
    uint32_t count = 0;
    get(count);
    if (count > bytes_.size())
        throw Error(ErrorCode::kCorruptState, "a list of {} elements in {} bytes", count,
                    bytes_.size());
    return count;
}

void InArchive::copy(void* to, size_t size) {
    if (size > bytes_.size())
        throw Error(ErrorCode::kCorruptState, "{} bytes are missing", size - bytes_.size());
    memcpy(to, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
}

}  // namespace cpr::state

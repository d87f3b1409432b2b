// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/qemu/dma_claims.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/vfio.h>
#include <seccomp.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"

namespace cpr::controller::qemu {

std::optional<DmaClaim> read_claim(const seccomp_notif& request) {
    const std::string path = fmt::format("/proc/{}/mem", request.pid);
    const UniqueFd memory = open_file(path, O_RDONLY);
    vfio_iommu_type1_dma_map map{};
    if (pread(memory.get(), &map, sizeof(map), static_cast<off_t>(request.data.args[2])) !=
        static_cast<ssize_t>(sizeof(map)))
        throw errno_error("read '{}'", path);
    if ((map.flags & VFIO_DMA_MAP_FLAG_VADDR) == 0)
        return std::nullopt;
    return DmaClaim{static_cast<int>(request.data.args[0]), map.iova, map.size};
}

void DmaClaims::note(const seccomp_notif& request) {
    try {
        if (const auto claim = read_claim(request))
            claims_.push_back(*claim);
    } catch (const Error& error) {
        log::error("what QEMU claims of a device's memory is not known: {}", error.message());
    }
}

}  // namespace cpr::controller::qemu

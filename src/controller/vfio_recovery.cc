// SPDX-License-Identifier: LGPL-2.1-or-later
#include "controller/vfio_recovery.h"

#include <fmt/format.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "base/error.h"

namespace cpr::controller {
namespace {

// Fails for one that is not set up.
void signal_interrupt(int device, uint32_t kind, uint32_t number) {
    vfio_irq_set set{};
    set.argsz = sizeof(set);
    set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
    set.index = kind;
    set.start = number;
    set.count = 1;
    ioctl(device, VFIO_DEVICE_SET_IRQS, &set);
}

}  // namespace

void give_back_range(int container, uint64_t iova, uint64_t size) {
    vfio_iommu_type1_dma_unmap range{};
    range.argsz = sizeof(range);
    range.flags = VFIO_DMA_UNMAP_FLAG_VADDR;
    range.iova = iova;
    range.size = size;
    // EINVAL: it is not claimed.
    if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &range) < 0 && errno != EINVAL)
        throw errno_error("give back the DMA range {:#x}, {:#x} bytes", iova, size);
}

void signal_interrupts(int device) {
    for (const uint32_t kind :
         {VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX}) {
        vfio_irq_info info{};
        info.argsz = sizeof(info);
        info.index = kind;
        if (ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0)
            continue;
        for (uint32_t number = 0; number < info.count; ++number)
            signal_interrupt(device, kind, number);
    }
}

}  // namespace cpr::controller

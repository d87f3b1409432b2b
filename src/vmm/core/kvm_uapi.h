// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_CORE_KVM_UAPI_H
#define CPR_VMM_CORE_KVM_UAPI_H

// <linux/kvm.h> for C++. Some versions of the kernel's headers begin a list at the end of a struct
// with an empty struct, which has a size in C++: sizes, and with them the ioctl numbers, would be
// wrong.
#include <linux/stddef.h>

#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <linux/kvm.h>
#pragma GCC diagnostic pop

static_assert(sizeof(kvm_cpuid2) == 8);
static_assert(sizeof(kvm_msrs) == 8);
static_assert(sizeof(kvm_msr_list) == 4);
static_assert(sizeof(kvm_irq_routing) == 8);
static_assert(sizeof(kvm_xsave) == 4096);

#endif

# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/acpi/aml.h src/vmm/acpi/aml.cc \
	src/vmm/acpi/dsdt.h src/vmm/acpi/dsdt.cc \
	src/vmm/acpi/tables.h src/vmm/acpi/tables.cc

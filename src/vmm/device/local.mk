# SPDX-License-Identifier: LGPL-2.1-or-later
src_vmm_libvmm_la_SOURCES += \
	src/vmm/device/acpi_pm.h src/vmm/device/acpi_pm.cc src/vmm/device/acpi_pm_registers.h \
	src/vmm/device/catalog.h src/vmm/device/catalog.cc \
	src/vmm/device/cmos_rtc.h src/vmm/device/cmos_rtc.cc src/vmm/device/cmos_rtc_registers.h \
	src/vmm/device/pvpanic.h src/vmm/device/pvpanic.cc \
	src/vmm/device/reset_control.h src/vmm/device/reset_control.cc \
	src/vmm/device/serial16550.h src/vmm/device/serial16550.cc \
	src/vmm/device/serial16550_registers.h

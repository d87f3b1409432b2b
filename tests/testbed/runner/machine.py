# SPDX-License-Identifier: LGPL-2.1-or-later
"""L1: the emulated machine, with an IOMMU, nested virtualisation and spare PCI devices."""

import subprocess

from .process import die_with_parent, end, wait

# PCI addresses in L1; the library in L1 goes by the same numbers.
NVME_SLOTS = (5, 6)
E1000E_SLOT = 7
EDU_SLOT = 8
# Two functions that nothing isolates from each other: one IOMMU group.
SATA_FUNCTIONS = ("9.0", "9.1")

DISK_BYTES = 64 << 20

# With two, QEMU's emulation of SVM takes a fetch of L1's kernel for one of the guest now and then,
# directly after a #VMEXIT, and the guest is lost: seen with QEMU 10.0 and 11.1, with every VMM,
# about once in 150000 exits; not seen in a million with one.
L1_CPUS = 1

# What the devices see, seen from outside. pci_cfg_write shows any change of a device's
# configuration, and carries the marks that a scenario sets (a write to edu's interrupt line).
TRACE_EVENTS = [
    "pci_cfg_write", "pci_nvme_mmio_cfg", "pci_nvme_mmio_start_success", "pci_nvme_mmio_stopped",
    "pci_nvme_mmio_shutdown_set", "pci_nvme_mmio_shutdown_cleared", "ahci_reset_port",
    "resettable_phase_hold_exec",
]
TRACE_IO_EVENTS = ["pci_nvme_io_cmd", "pci_nvme_enqueue_req_completion"]

# In a mount namespace of its own: a clean view of the tree, without what is mounted for QEMU, is
# exported as L1's root. $0 is the tree; $1 to $3 the folders of the run; then the program.
ENTER_TREE = """
set -e
tree=$0 run=$1 files=$2 stage=$3
shift 3
mount --bind "$tree" "$tree/media"
mount -o remount,ro,bind "$tree/media"
mount --bind "$run" "$tree/mnt"
mount -t tmpfs tmpfs "$tree/srv"
mkdir "$tree/srv/files" "$tree/srv/stage" "$tree/srv/images"
mount --bind "$files" "$tree/srv/files"
mount --bind "$stage" "$tree/srv/stage"
mount --bind "$1" "$tree/srv/images"
shift
mount -t proc proc "$tree/proc"
mount --bind /dev "$tree/dev"
exec chroot "$tree" "$@"
"""


class Machine:
    """One boot of L1. Owns the QEMU process, which dies with the runner."""

    def __init__(self, tree, run, l1_image, memory_mib):
        self.tree = tree
        self.run = run
        self.l1_image = l1_image
        self.memory_mib = memory_mib
        self.process = None

    def start(self, append, interactive=False, trace_io=False, iops=0):
        """Start QEMU. `append` is added to the kernel's command line; `iops` caps the requests per
        second of each disk, 0 for no cap."""
        for name in ("nvme1", "nvme2", "sata1", "sata2"):
            image = self.run.share / f"{name}.img"
            if not image.exists():
                with open(image, "wb") as stream:
                    stream.truncate(DISK_BYTES)
        qemu = self.base_arguments(append, interactive) + self.device_arguments(iops)
        for event in TRACE_EVENTS + (TRACE_IO_EVENTS if trace_io else []):
            qemu += ["-trace", event]
        argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", ENTER_TREE,
                self.tree.root, self.run.share, self.run.files, self.run.stage,
                self.l1_image.parent, *qemu]
        log = None if interactive else open(self.run.share / "qemu.log", "wb")
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=None if interactive else subprocess.DEVNULL,
            stdout=log, stderr=log, preexec_fn=die_with_parent, start_new_session=not interactive)
        if log is not None:
            log.close()
            self.raise_priority()

    def raise_priority(self):
        """Timing is what scenarios look at: other work on the host has to wait a little."""
        try:
            with open(f"/proc/{self.process.pid}/autogroup", "w", encoding="ascii") as autogroup:
                autogroup.write("-10")
        except OSError:
            pass  # a kernel without automatic groups

    def base_arguments(self, append, interactive):
        """Processor, memory, kernel, and the file systems over 9p."""
        console = "mon:stdio" if interactive else "file:/mnt/console.log"
        arguments = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi",
            "-machine", "q35,kernel-irqchip=split", "-cpu", "max", "-smp", str(L1_CPUS),
            "-m", str(self.memory_mib), "-nodefaults", "-nographic", "-no-reboot",
            "-serial", console, "-D", "/mnt/qemu-trace.log", "-d", "cpu_reset",
            "-msg", "timestamp=on",
            "-kernel", f"/boot/vmlinuz-{self.tree.l1_kernel()}",
            "-initrd", f"/srv/images/{self.l1_image.name}",
            # On a busy host the timer's interrupts may be too late for the kernel's test of them.
            "-append", "console=ttyS0 panic=-1 quiet intel_iommu=on mitigations=off "
                       f"tsc=reliable no_timer_check {append}",
            "-device", "intel-iommu,intremap=on,caching-mode=on",
        ]
        exports = {"tree": "/media", "stage": "/srv/stage", "files": "/srv/files", "share": "/mnt"}
        for tag, path in exports.items():
            mode = "" if tag == "share" else ",readonly=on"
            arguments += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,"
                                     f"multidevs=remap{mode}"]
        return arguments

    @staticmethod
    def device_arguments(iops):
        """The devices for VFIO, without a driver in L1: but for the SATA controllers each in an
        IOMMU group of its own."""
        arguments = []
        throttle = f",throttling.iops-total={iops}" if iops else ""
        for number, slot in enumerate(NVME_SLOTS, 1):
            arguments += [
                "-drive", f"file=/mnt/nvme{number}.img,format=raw,if=none,id=disk{number}{throttle}",
                "-device", f"nvme,serial=cpr{number},drive=disk{number},addr={slot},dbcs=off,"
                           "romfile="]
        for number, function in enumerate(SATA_FUNCTIONS, 1):
            arguments += [
                "-drive", f"file=/mnt/sata{number}.img,format=raw,if=none,id=sata{number}{throttle}",
                "-device", f"ich9-ahci,id=ahci{number},addr={function},multifunction=on",
                "-device", f"ide-hd,drive=sata{number},bus=ahci{number}.0"]
        return arguments + ["-device", f"e1000e,addr={E1000E_SLOT},romfile=",
                            "-device", f"edu,addr={EDU_SLOT}"]

    def wait(self, timeout):
        """Wait for the end of L1; whether it came in time."""
        return wait(self.process, timeout)

    def stop(self):
        """End QEMU, if it runs."""
        if self.process is not None:
            end(self.process)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirt domain with the stock Debian kernel as its guest."""

import json
import os
import pathlib
import re
from xml.sax.saxutils import escape

from .console import Console
from .l1 import FILES, Failure
from .process import processes_named
from .trace import NVME_DEVICES, SATA_DEVICES
from .vcpus import vcpus

QEMU = "/usr/bin/qemu-system-x86_64"
EMULATOR = "/usr/bin/virt-cpr-emulator"

# A lost interrupt shows as a timeout of the guest's NVMe driver: soon, but later than any pause
# of an emulated machine on a busy host.
NVME_TIMEOUT_S = 8
READY = r"^GUEST READY"
BOOT_SECONDS = 90
# So often a guest is looked at that seems to hang.
DEAF_LOOKS = 6
# After that long it is worth a look why the guest is not there.
QUICK_BOOT_SECONDS = 30

# What a lost interrupt, a broken device or a broken kernel makes the guest say.
COMPLAINT = re.compile(
    r"completion polled|\btimeout\b|nvme\d?: .*(reset|abort|invalid id)|ioverify: (read|write) at|"
    r"ata\d.*: (exception|failed command|hard resetting)|I/O error|BUG:|WARNING:|Call Trace|soft lockup|rcu.*stall|clocksource.*unstable|Oops|"
    r"Kernel panic")

TEMPLATE = """<domain type='{accelerator}' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  {memory_backing}
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    {initrd}
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  {cpu}
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <panic model='isa'/>
    {serial}
    {hostdevs}
  </devices>
  <qemu:commandline>{environment}</qemu:commandline>
</domain>
"""

HOST_CPU = "<cpu mode='host-passthrough' check='none' migratable='{migratable}'/>"
EMULATED_CPU = "<cpu mode='maximum' check='none' migratable='on'/>"

SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"

HOSTDEV = """<hostdev mode='subsystem' type='pci' managed='yes'>
      <source><address domain='0x0000' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/></source>
      {address}
    </hostdev>"""
# Conventional PCI devices are put on the root bus: of themselves, libvirt would make a bridge.
# The slots' INTA is the line that the first root port's devices have.
ROOT_BUS_ADDRESS = "<address type='pci' domain='0x0000' bus='0x00' slot='0x{slot:02x}' function='0x0'/>"
ROOT_BUS_SLOTS = {SATA_DEVICES[0]: 0x11, SATA_DEVICES[1]: 0x15}


def guest_kernel():
    """The stock kernel: the oldest one in the tree."""
    def key(path):
        return [int(n) for n in re.findall(r"\d+", path.name)[:3]]
    return min(pathlib.Path("/boot").glob("vmlinuz-*"), key=key)


class Domain:
    """Defined on construction; destroyed when the scenario is over."""

    def __init__(self, l1, emulator, name="guest", vcpus=1, memory_mib=512, jobs=(), options="",
                 devices=NVME_DEVICES[:1], environment=(), shared_memory=True, virtio=(), arguments=(),
                 kernel=None, initrd=FILES / "guest.cpio", make_xml=None, kvm=None):
        """`jobs` and `options` are for the guest's init: see tests/guests/init.sh. `devices` are
        the PCI addresses of what is passed through, `environment` (name, value) pairs for the
        emulator program. Without `shared_memory` the domain has libvirt's default. `virtio` is the
        XML of virtio devices, `arguments` are more of the VMM's. `kernel` is one that needs nothing
        else, instead of Debian's, whose initramfs is `initrd`. `make_xml` makes the whole XML in the place of all that, out of
        the name, the kernel, its initramfs and its command line. Without `kvm`, which is the default
        where there is none, the guest is emulated."""
        kvm = l1.has_kvm if kvm is None else kvm
        self.l1 = l1
        self.name = name
        self.emulator = emulator
        self.console = None
        cmdline = (f"console=ttyS0 quiet panic=-1 nvme_core.io_timeout={NVME_TIMEOUT_S} "
                   f"cpr.job={','.join(jobs)} {options}")
        if not kvm:
            # Emulated processors that have to wait for real ones make a kernel doubt its clocks.
            cmdline += " tsc=reliable no_timer_check"
        if set(devices) & set(SATA_DEVICES):
            cmdline += " cpr.sata"
        if virtio or make_xml:
            cmdline += " cpr.virtio"
        path = l1.share / f"{name}.xml"
        path.write_text(make_xml(name, guest_kernel(), initrd, cmdline) if make_xml else TEMPLATE.format(
            accelerator="kvm" if kvm else "qemu",
            # QEMU hands over what could be migrated, and no other.
            cpu=HOST_CPU.format(migratable="off" if emulator == EMULATOR else "on")
            if kvm else EMULATED_CPU, name=name, memory=memory_mib, vcpus=vcpus, kernel=kernel or guest_kernel(),
            memory_backing=SHARED_MEMORY if shared_memory else "",
            initrd="" if kernel else f"<initrd>{initrd}</initrd>", cmdline=escape(cmdline), emulator=emulator,
            serial="<serial type='pty'><target port='0'/></serial>",
            environment="".join(f"<qemu:env name='{variable}' value='{value}'/>"
                                for variable, value in environment) +
            "".join(f"<qemu:arg value='{argument}'/>" for argument in arguments),
            hostdevs="\n    ".join([*map(self.hostdev_xml, devices), *virtio])),
            encoding="utf-8")
        l1.virsh("define", path)
        l1.on_clean_up(self.clean_up)

    @staticmethod
    def hostdev_xml(device):
        """XML of a device that is passed through."""
        bus, slot, function = re.fullmatch(r"(\w\w):(\w\w)\.(\w)", device).groups()
        place = ROOT_BUS_SLOTS.get(device)
        address = ROOT_BUS_ADDRESS.format(slot=place) if place else ""
        return HOSTDEV.format(bus=bus, slot=slot, function=function, address=address)

    def clean_up(self):
        """Leave nothing running, and the last messages of a running guest's kernel in the log."""
        running = self.state() != "shut off"
        if running:
            if self.console is not None:
                self.log_kernel_messages()
            why = self.breakdown()
            if why:
                self.l1.break_down(why)
        if self.console is not None:
            self.console.close()
            self.console = None
        if running:
            self.virsh("destroy", check=False)

    def breakdown(self):
        """How the emulated processor has made the guest hang after its boot, or None."""
        try:
            if self.state() != "running" or self.l1.in_container:
                return None
            if self.deadlocked():
                return "an interrupt came twice, and a vCPU waits for itself"
            if self.deaf():
                return "an interrupt that the guest has ended is still in service"
        except Failure as failure:
            self.l1.log(f"the guest's vCPUs cannot be looked at: {failure}")
        return None

    def log_kernel_messages(self):
        """What a guest that did not end by itself has to say."""
        try:
            _, lines = self.console.command("dmesg | tail -n 30", 5)
            self.l1.log("the guest's kernel: " + "\n".join(lines))
        except Failure as failure:
            self.l1.log(f"the guest is silent: {failure}")

    def virsh(self, command, *arguments, **options):
        """`virsh COMMAND NAME ARGUMENTS`."""
        return self.l1.virsh(command, self.name, *arguments, **options)

    def state(self):
        """The state as virsh names it."""
        state = self.l1.connection.state(self.name)
        self.l1.log(f"{self.name} is '{state}'")
        return state

    def start(self, ready=True, prepare=lambda: None):
        """Start, with the console attached before the first instruction; wait for user space. Once
        more, if the emulated processor has made the guest hang: see the testbed's README. `prepare`
        is called before each start."""
        prepare()
        self.start_once()
        if not ready:
            return
        try:
            self.console.wait_for(READY, QUICK_BOOT_SECONDS)
        except Failure:
            if self.deadlocked():
                self.l1.log("BOOT DEADLOCKED: an interrupt came twice; starting again")
                self.virsh("destroy")
                prepare()
                self.start_once()
            self.console.wait_for(READY, BOOT_SECONDS)

    def log_is_open(self):
        """Whether virtlogd still has the log of the domain's last run, and would give none to another."""
        log = f"/var/log/libvirt/qemu/{self.name}.log"
        for pid in processes_named("virtlogd"):
            for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                try:
                    if os.readlink(link) == log:
                        return True
                except FileNotFoundError:
                    continue
        return False

    def start_once(self):
        """Start, with the console attached before the first instruction."""
        self.l1.wait_until(lambda: not self.log_is_open(), 15, f"virtlogd to close the log of {self.name}")
        self.virsh("start", "--paused")
        self.attach_console()
        self.virsh("resume")

    def deadlocked(self):
        """Whether the guest's kernel waits in a spin lock for itself, and so prints nothing."""
        if self.l1.in_container:
            return False
        first = self.look_at_vcpus()
        position = self.console.position() if self.console else 0
        second = self.look_at_vcpus()
        if self.console and self.console.position() > position:
            return False
        return any(now.stuck_since(then) for then, now in zip(first, second))

    def deaf(self):
        """Whether a vCPU takes no interrupts any more but those of high priority. It is seen as long
        as the vCPU has interrupts on."""
        looks = [self.look_at_vcpus() for _ in range(DEAF_LOOKS)]
        return any(later.deaf_since(earlier) for vcpu in zip(*looks)
                   for place, earlier in enumerate(vcpu) for later in vcpu[place + 1:])

    def look_at_vcpus(self):
        """The vCPUs, stopped for it after a second of running."""
        self.l1.sleep(1)
        self.virsh("suspend")
        found = vcpus(self.l1, self.vmm_pid())
        for vcpu in found:
            self.l1.log(str(vcpu))
        self.virsh("resume")
        return found

    def attach_console(self):
        """Attach a reader to the domain's pty, instead of the one before."""
        if self.console is not None:
            self.console.close()
        number = len(list(self.l1.share.glob(f"{self.name}-console*.log"))) + 1
        self.console = Console(self.l1, self.virsh("ttyconsole"),
                               self.l1.share / f"{self.name}-console{number}.log")

    def pid(self):
        """The PID that libvirt knows."""
        return int(pathlib.Path(f"/run/libvirt/qemu/{self.name}.pid").read_text(encoding="ascii"))

    def vmm_pid(self):
        """The PID of the process that has the guest: another, once it was handed over."""
        try:
            return self.qmp("query-update-in-place").get("vmm-pid", self.pid())
        except Failure:
            return self.pid()

    def wait_for_state(self, state, seconds=60):
        """Wait until virsh shows that state."""
        self.l1.wait_until(lambda: self.state() == state, seconds,
                           f"domain {self.name} to be '{state}'")

    def qmp(self, command, **arguments):
        """Send a monitor command through libvirt; returns what it returned."""
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        text = json.dumps(request)
        reply = self.l1.connection.monitor_command(self.name, text)
        self.l1.log(f"{self.name}: {text}: {reply.strip()}")
        answer = json.loads(reply)
        self.l1.require("return" in answer, f"monitor command {command} failed: "
                                            f"{answer.get('error', {}).get('desc')}")
        return answer["return"]

    # -- the guest's jobs -----------------------------------------------------------------------

    def io_counts(self, seconds=15, job="io"):
        """(requests, errors, slowest in ms) out of the next line of the job."""
        found, _, _ = self.console.wait_for(rf"^{job} (\d+) errors (\d+) slowest-ms (\d+)$",
                                            seconds, self.console.position())
        return tuple(int(n) for n in found.groups())

    def wait_for_io(self, requests, seconds=60, job="io"):
        """Wait until the job has done so many more requests, all without an error."""
        first, _, _ = self.io_counts(job=job)
        count = first
        def enough():
            nonlocal count
            count, errors, _ = self.io_counts(job=job)
            self.l1.require(errors == 0, f"{errors} of the guest's requests failed")
            return count >= first + requests
        self.l1.wait_until(enough, seconds, f"{requests} requests of the guest")
        return count

    def complaints(self):
        """Lines on the console that tell of a lost interrupt or a broken device."""
        return [text for _, text in self.console.snapshot() if COMPLAINT.search(text)]

    def require_no_complaints(self):
        """Fail if the guest's kernel or programs complained of anything."""
        status, lines = self.console.command("dmesg -r | grep '^<[0-4]>'; true")
        self.l1.log(f"guest's warnings ({status}): {lines}")
        found = self.complaints()
        self.l1.require(not found, f"the guest complained: {found[:3]}")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hand-over of a guest of stock QEMU fails in many ways, and the guest is kept each time."""

import os
import pathlib
import shutil
import signal

from lib import qemu
from lib.domain import Domain
from lib.faults import ENVIRONMENT, EXITS, HANGS, Fault, error, killed
from lib.l1 import FILES
from lib.matrix import A_WHILE, NEW, Cell, Matrix, cancel, run_matrices
from lib.process import processes_named
from lib.update import VMM

TIMEOUT_S = 1500
SHORT_TIMEOUT_S = 400
# Of the cells in the short form.
SHORT_FIRST, SHORT_STEP = 3, 7
QEMU_BACKEND = True

QUERY, INFO, START, SAVE, LOAD, RESUME, KILL = 5000, 20000, 20000, 6000, 6000, 4000, 5000
STOP = 10000
DEADLINES_MS = {"query-deadline": QUERY, "info-deadline": INFO, "start-deadline": START,
                "save-deadline": SAVE, "load-deadline": LOAD, "resume-deadline": RESUME, "kill-deadline": KILL,
                "longest-stop": STOP}
# As docs/protocol.md derives it.
LONGEST_FAILURE_NS = 1_000_000 * (STOP + KILL + 3 * LOAD + 2 * QUERY)
REFUSED = ("failed",)
CANCELLED = ("cancelled",)


def impostor(name):
    """A maker of a program that fails as its name says (tests/testbed/faults/impostor.c)."""
    def make(_matrix):
        return shutil.copy(FILES / "impostor", pathlib.Path("/run") / f"qemu-{name}")
    return make


def kill_new(matrix):
    """The new QEMU is killed by somebody."""
    # not the shell that libvirt knows
    pids = [pid for pid in processes_named(pathlib.Path(matrix.next).name)
            if pid != matrix.guest.pid()]
    matrix.l1.require(len(pids) == 1, f"there are {len(pids)} new QEMUs: {pids}")
    os.kill(pids[0], signal.SIGKILL)


def restart_libvirt(matrix):
    """The daemon goes and comes back."""
    matrix.l1.restart_libvirt()


CELLS = [
    Cell("validate", "missing binary", binary="/nonexistent/qemu", status=REFUSED),
    Cell("validate", "a VMM that is no QEMU", binary=VMM, status=REFUSED, says="is no QEMU"),
    Cell("validate", "binary not executable", binary="/etc/passwd", status=REFUSED),
    Cell("prepare", "ends at its start", binary=impostor("ends"),
         says="has ended at its start"),
    Cell("prepare", "cannot make the machine", Fault(NEW, "KVM_CREATE_VM", error("ENOMEM"))),
    Cell("prepare", "crashes at its start", Fault(NEW, "KVM_CREATE_VM", killed("SIGSEGV"))),
    Cell("prepare", "hangs at its start", Fault(NEW, "KVM_CREATE_VM", HANGS)),
    Cell("prepare", "takes the guest and is silent", binary=impostor("silent")),
    Cell("prepare", "talks garbage", binary=impostor("garbage")),
    Cell("prepare", "cannot make a vCPU", Fault(NEW, "KVM_CREATE_VCPU", error("ENOMEM"))),
    Cell("prepare", "killed as it makes vCPU 2",
         Fault(NEW, "KVM_CREATE_VCPU", killed("SIGKILL"), 2)),
    Cell("prepare", "ends as it makes vCPU 2", Fault(NEW, "KVM_CREATE_VCPU", EXITS, 2)),
    Cell("prepare", "hangs as it makes vCPU 2", Fault(NEW, "KVM_CREATE_VCPU", HANGS, 2)),
    Cell("prepare", "killed from outside", Fault(NEW, "KVM_CREATE_VCPU", A_WHILE),
         meanwhile=kill_new),
    Cell("prepare", "cancelled", Fault(NEW, "KVM_CREATE_VCPU", A_WHILE), meanwhile=cancel,
         status=CANCELLED),
    Cell("prepare", "libvirtd restarted", Fault(NEW, "KVM_CREATE_VCPU", A_WHILE),
         meanwhile=restart_libvirt, status=("completed",)),
    Cell("exec", "the new QEMU lacks the disk", binary=impostor("lacks-disk")),
    Cell("exec", "the new QEMU lacks the serial line", binary=impostor("lacks-serial")),
]


def run(l1):
    """All cells, or in the short form some."""
    qemu.set_up(l1, deadlines_ms=DEADLINES_MS)

    def matrix():
        guest = Domain(l1, qemu.EMULATOR, vcpus=2, jobs=["io@vda"], devices=(),
                       shared_memory=False, virtio=[qemu.disk(l1, "vda")],
                       environment=ENVIRONMENT)
        return Matrix(guest, (qemu.STOCK_QEMU, qemu.NEXT_QEMU), ["vda"], LONGEST_FAILURE_NS)
    run_matrices(l1, [(matrix, CELLS[SHORT_FIRST::SHORT_STEP] if l1.short else CELLS)])

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates of guests of stock QEMU, in both modes, fail in many ways, and the guest is kept each time."""

import os
import pathlib
import shutil
import signal

from lib import qemu
from lib.domain import Domain
from lib.faults import ENVIRONMENT, EXITS, HANGS, READV, SENDMSG, Fault, error, killed
from lib.l1 import FILES
from lib.matrix import A_WHILE, NEW, Cell, Matrix, cancel, run_matrices
from lib.process import processes_named
from lib.update import VMM, set_deadlines

TIMEOUT_S = 2400
SHORT_TIMEOUT_S = 600
# Of the cells in the short form.
SHORT_FIRST, SHORT_STEP = 3, 7
QEMU_BACKEND = True

QUERY, INFO, START, SAVE, EXEC, LOAD, RESUME, KILL = 5000, 20000, 20000, 6000, 6000, 6000, 4000, 5000
STOP = 10000
DEADLINES_MS = {"query-deadline": QUERY, "info-deadline": INFO, "start-deadline": START,
                "save-deadline": SAVE, "exec-deadline": EXEC, "load-deadline": LOAD, "resume-deadline": RESUME, "kill-deadline": KILL,
                "longest-stop": STOP}
# As docs/protocol.md derives it.
LONGEST_FAILURE_NS = 1_000_000 * (STOP + KILL + 3 * LOAD + 2 * QUERY)
# The old QEMU has to be started as well.
LONGEST_EXEC_FAILURE_NS = 1_000_000 * (STOP + KILL + EXEC + 3 * QUERY + LOAD + RESUME)
EXEC_EMULATOR = pathlib.Path("/usr/bin/virt-cpr-qemu-exec-mode")
PREFIX = pathlib.Path("/usr/libexec/libvirt-cpr/virt-cpr-qemu-exec")
# Which message of the new QEMU's: after its greeting, and that it can talk; and when it has been told to load.
BEFORE_LOAD, TELLS_OF_LOAD = 3, 7
# Which of its reads: before, it reads the table of its descriptors, to the end.
READS_STATE = 3
# And of one beside the old one: that it has everything, to the old one; it has told the controller already.
TELLS_OLD = 15
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


def without_prefix(_matrix):
    """The program that QEMU executes first cannot be executed."""
    PREFIX.chmod(0o644)
    return qemu.NEXT_QEMU


class TransferMatrix(Matrix):
    """Mode transfer; what was changed in the old QEMU for it is as it was after each."""

    def attempt(self, cell):
        last = super().attempt(cell)
        qemu.require_described_states(self.guest)
        return last


class ExecMatrix(Matrix):
    """Mode exec, with the program of the update whole again before each."""

    def attempt(self, cell):
        PREFIX.chmod(0o755)
        last = super().attempt(cell)
        PREFIX.chmod(0o755)
        return last


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
    Cell("exec", "cannot tell the old one that it has loaded", Fault(NEW, SENDMSG, error("EPIPE"), TELLS_OLD)),
    Cell("exec", "killed before it tells the old one", Fault(NEW, SENDMSG, killed("SIGKILL"), TELLS_OLD)),
    Cell("exec", "hangs before it tells the old one", Fault(NEW, SENDMSG, HANGS, TELLS_OLD)),
    Cell("exec", "cancelled before it tells the old one", Fault(NEW, SENDMSG, A_WHILE, TELLS_OLD),
         meanwhile=cancel, status=CANCELLED),
]

EXEC_CELLS = [
    Cell("validate", "exec: missing binary", binary="/nonexistent/qemu", status=REFUSED),
    Cell("exec", "exec: ends at its start", binary=impostor("ends")),
    Cell("exec", "exec: is silent", binary=impostor("silent")),
    Cell("exec", "exec: talks garbage", binary=impostor("garbage")),
    Cell("exec", "exec: cannot make the machine", Fault(NEW, "KVM_CREATE_VM", error("ENOMEM"))),
    Cell("exec", "exec: crashes at its start", Fault(NEW, "KVM_CREATE_VM", killed("SIGSEGV"))),
    Cell("exec", "exec: hangs at its start", Fault(NEW, "KVM_CREATE_VM", HANGS)),
    Cell("exec", "exec: killed as it makes vCPU 2", Fault(NEW, "KVM_CREATE_VCPU", killed("SIGKILL"), 2)),
    Cell("exec", "exec: ends as it makes vCPU 2", Fault(NEW, "KVM_CREATE_VCPU", EXITS, 2)),
    Cell("exec", "exec: hangs as it makes vCPU 2", Fault(NEW, "KVM_CREATE_VCPU", HANGS, 2)),
    Cell("exec", "exec: cancelled", Fault(NEW, "KVM_CREATE_VCPU", A_WHILE), meanwhile=cancel,
         status=CANCELLED),
    Cell("exec", "exec: libvirtd restarted", Fault(NEW, "KVM_CREATE_VCPU", A_WHILE),
         meanwhile=restart_libvirt, status=("completed",)),
    # an execution that no update has ordered
    Cell("exec", "exec: executes another program", binary=impostor("lacks-disk")),
    Cell("exec", "exec: the table cannot be read", Fault(NEW, READV, error("EIO"))),
    Cell("load", "exec: the state cannot be read", Fault(NEW, READV, error("EIO"), READS_STATE)),
    Cell("load", "exec: half the state cannot be read", Fault(NEW, READV, error("EIO"), READS_STATE + 1)),
    Cell("load", "exec: killed before the load", Fault(NEW, SENDMSG, killed("SIGKILL"), BEFORE_LOAD)),
    Cell("load", "exec: killed in the load", Fault(NEW, SENDMSG, killed("SIGKILL"), TELLS_OF_LOAD)),
    Cell("load", "exec: hangs before the load", Fault(NEW, SENDMSG, HANGS, BEFORE_LOAD)),
    Cell("load", "exec: hangs in the load", Fault(NEW, SENDMSG, HANGS, TELLS_OF_LOAD)),
    Cell("load", "exec: ends in the load", Fault(NEW, SENDMSG, EXITS, TELLS_OF_LOAD)),
    Cell("load", "exec: cancelled in the load", Fault(NEW, SENDMSG, A_WHILE, TELLS_OF_LOAD),
         meanwhile=cancel, status=CANCELLED),
    Cell("validate", "exec: our program cannot be executed", binary=without_prefix, status=REFUSED),
]


def run(l1):
    """All cells, or in the short form some."""
    qemu.set_up(l1, deadlines_ms=DEADLINES_MS)
    qemu.add_emulator(l1, EXEC_EMULATOR, qemu.STOCK_QEMU, mode="exec")
    set_deadlines({name: value * l1.slow for name, value in DEADLINES_MS.items()})

    def matrix(kind, emulator, longest):
        def make():
            guest = Domain(l1, emulator, name=kind.__name__, vcpus=2, jobs=["io@vda"], devices=(),
                           shared_memory=False, virtio=[qemu.disk(l1, "vda")],
                           environment=ENVIRONMENT)
            return kind(guest, (qemu.STOCK_QEMU, qemu.NEXT_QEMU), ["vda"], longest)
        return make

    def some(cells):
        return cells[SHORT_FIRST::SHORT_STEP] if l1.short else cells
    run_matrices(l1, [
        (matrix(TransferMatrix, qemu.EMULATOR, LONGEST_FAILURE_NS), some(CELLS)),
        (matrix(ExecMatrix, EXEC_EMULATOR, LONGEST_EXEC_FAILURE_NS), some(EXEC_CELLS))])

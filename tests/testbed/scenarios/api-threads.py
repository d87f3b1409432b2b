# SPDX-License-Identifier: LGPL-2.1-or-later
"""Library and Python module: the printed programs, and several threads with checks, callbacks and updates at once."""

import pathlib
import threading

from lib import api, qemu
from lib.l1 import Failure

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/api.md"
URI = "qemu:///system"


def host_prepare(run):
    """The programs of the page."""
    api.prepare_programs(run, PAGE)


def run_event_loop(libvirt):
    """libvirt's own, in a thread, for connections that are opened from now on."""
    libvirt.virEventRegisterDefaultImpl()

    def loop():
        while True:
            libvirt.virEventRunDefaultImpl()
    threading.Thread(target=loop, daemon=True).start()


def require_limits(l1, cpr, domain):
    """What an update may cost, and what it may be, is kept to."""
    try:
        cpr.wait(domain, cpr.update(domain, max_pause=1))
        raise Failure("an update went on that paused the guest for longer than 1 ms")
    except cpr.PauseTooLong as error:
        l1.log(f"{error}: {error.job.params}")
        l1.require(error.job.status is cpr.JobStatus.ROLLED_BACK, f"it ended as {error.job}")
    try:
        cpr.cancel(domain)
        raise Failure("there was something to cancel")
    except cpr.NoJob as error:
        l1.require(error.code == "no-job", error.code)


def run(l1):
    """Without an event loop and with one; then the guest ends, and the callbacks with it."""
    import libvirt  # pylint: disable=import-outside-toplevel
    import libvirt_cpr as cpr  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    guest = api.start_guest(l1)
    api.run_printed_programs(l1, guest, URI)
    api.require_threads_get_along(l1, libvirt, cpr, URI, guest, qemu.NEXT_QEMU, False)
    run_event_loop(libvirt)
    crowd = api.require_threads_get_along(l1, libvirt, cpr, URI, guest, qemu.STOCK_QEMU, True)
    require_limits(l1, cpr, crowd.domain)
    guest.wait_for_io(10, job="io-vda")
    guest.require_no_complaints()
    watcher = api.Watcher(cpr, crowd.domain)
    guest.virsh("destroy")
    # pylint: disable-next=protected-access
    l1.wait_until(lambda: not cpr._Call.calls, 15, "the callbacks to end with the domain")
    watcher.stop()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Library and Python module over qemu+ssh to a sshd in another network namespace: the printed programs and threads."""

import pathlib

from lib import api, qemu
from lib.l1 import Failure

TIMEOUT_S = 300
QEMU_BACKEND = True
IN_CONTAINER = True

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/api.md"
NAMESPACE = "far"
HERE, THERE = "198.51.100.1", "198.51.100.2"
KEY = "/root/.ssh/id_ed25519"
URI = f"qemu+ssh://root@{THERE}/system?keyfile={KEY}&no_verify=1&no_tty=1"


def host_prepare(run):
    """The programs of the page."""
    api.prepare_programs(run, PAGE)


def set_up_sshd(l1):
    """A sshd that is reached by network only, and lets this user in by key."""
    l1.run("ip", "netns", "add", NAMESPACE)
    l1.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", NAMESPACE)
    l1.run("ip", "addr", "add", f"{HERE}/24", "dev", "near")
    l1.run("ip", "link", "set", "near", "up")
    l1.run("ip", "-n", NAMESPACE, "addr", "add", f"{THERE}/24", "dev", "far")
    l1.run("ip", "-n", NAMESPACE, "link", "set", "far", "up")
    pathlib.Path("/run/sshd").mkdir(mode=0o755)
    pathlib.Path(KEY).parent.mkdir(mode=0o700, exist_ok=True)
    l1.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY)
    pathlib.Path(KEY).with_name("authorized_keys").write_bytes(
        pathlib.Path(f"{KEY}.pub").read_bytes())
    l1.run("ssh-keygen", "-A")
    l1.run("nsenter", f"--net=/run/netns/{NAMESPACE}", "/usr/sbin/sshd", "-o", "UsePAM=no", "-o",
           "StrictModes=no")


def run(l1):
    """The same as on the host itself; then somebody who may only read."""
    import libvirt  # pylint: disable=import-outside-toplevel
    import libvirt_cpr as cpr  # pylint: disable=import-outside-toplevel
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    set_up_sshd(l1)
    l1.wait_until(lambda: l1.run("virsh", "-c", URI, "uri", check=False).returncode == 0, 30,
                  "libvirt to answer by ssh")
    guest = api.start_guest(l1)
    api.run_printed_programs(l1, guest, URI)
    crowd = api.require_threads_get_along(l1, libvirt, cpr, URI, guest, qemu.NEXT_QEMU, False)
    guest.require_no_complaints()
    reader = libvirt.openReadOnly(URI).lookupByName(guest.name)
    try:
        cpr.update(reader)
        raise Failure("somebody who may only read has begun an update")
    except libvirt.libvirtError as error:
        l1.require(type(error) is libvirt.libvirtError and
                   error.get_error_code() == libvirt.VIR_ERR_OPERATION_DENIED,
                   f"not libvirt's own refusal: {error!r}")
    l1.require(crowd.domain.isActive(), "the domain has ended")

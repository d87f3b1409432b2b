# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several libvirt hosts in a container, each in namespaces of its own and reached by ssh, and their VMM's package."""

import json
import pathlib
import shutil
import subprocess

from . import qemu
from .domain import Domain
from .l1 import FILES, L1, Failure
from .update import TOOL

KEY = pathlib.Path("/root/.ssh/id_ed25519")
NETWORK = "198.51.100"
REPOSITORY = pathlib.Path("/srv/fleet")
PACKAGE = "vendor-qemu"
# As deep as the folder of the stock QEMU: it finds its firmware from there.
VENDOR_QEMU = pathlib.Path("/usr/lib/vendor-qemu/qemu-system-x86_64")
CONTROL = f"""Package: {PACKAGE}
Version: {{version}}
Architecture: amd64
Maintainer: nobody <nobody@example.org>
Description: a QEMU
"""
INVENTORY = f"""[compute]
{{hosts}}

[vmm_canary]
{{canary}}

[compute:vars]
ansible_user=root
ansible_python_interpreter=/usr/bin/python3
ansible_ssh_private_key_file={KEY}
ansible_ssh_common_args=-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10
"""


def set_up(l1):
    """A key for ssh, a network for the hosts, an emulator program, and no libvirt but the hosts'."""
    qemu.set_up(l1)
    KEY.parent.mkdir(mode=0o700, exist_ok=True)
    l1.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY)
    shutil.copy(f"{KEY}.pub", KEY.with_name("authorized_keys"))
    l1.run("ssh-keygen", "-A")
    l1.run("ip", "link", "add", "fleet", "type", "bridge")
    l1.run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", "fleet")
    l1.run("ip", "link", "set", "fleet", "up")
    VENDOR_QEMU.parent.mkdir()


def build_package(l1, version):
    """A package with QEMU in the repository of the hosts, and the index of all that are there."""
    root = pathlib.Path(f"/tmp/package-{version}")
    program = root / str(VENDOR_QEMU).lstrip("/")
    program.parent.mkdir(parents=True)
    shutil.copy2(qemu.STOCK_QEMU, program)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(CONTROL.format(version=version), encoding="ascii")
    REPOSITORY.mkdir(exist_ok=True)
    l1.run("dpkg-deb", "-Znone", "--root-owner-group", "--build", root, REPOSITORY / f"{PACKAGE}_{version}.deb")
    index = ""
    for path in sorted(REPOSITORY.glob("*.deb")):
        control = l1.run("dpkg-deb", "--field", path).stdout
        digest = l1.run("sha256sum", path).stdout.split()[0]
        index += f"{control.rstrip()}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n\n"
    (REPOSITORY / "Packages").write_text(index, encoding="utf-8")


class Virsh:
    """In the place of a Connection: a host's daemon is reached on the host alone."""

    def __init__(self, host):
        self.host = host

    def state(self, name):
        """The domain's state."""
        return self.host.virsh("domstate", name)

    def monitor_command(self, name, text):
        """The answer to a command of the domain's monitor."""
        return self.host.virsh("qemu-monitor-command", name, text)


class Host(L1):
    """One of the hosts. What is run by it is run on it."""

    def __init__(self, l1, name, number):
        super().__init__(Virsh(self))
        self.l1, self.name = l1, name
        self.started, self.cleanups = l1.started, l1.cleanups
        self.address = f"{NETWORK}.{number}"
        l1.run("ip", "netns", "add", name)
        l1.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        l1.run("ip", "link", "set", name, "master", "fleet", "up")
        l1.run("ip", "-n", name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        l1.run("ip", "-n", name, "link", "set", "eth0", "up")
        with open(l1.share / f"{name}.log", "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork",
                 "--kill-child", "--mount-proc", "--propagation", "private", FILES / "l1/fleet-host.sh", name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        l1.on_clean_up(self.process.kill)
        self.first = None

    def wait_until_up(self):
        """Its daemons answer."""
        self.l1.wait_until(lambda: self.find_first() and self.run(
            "test", "-e", "/run/host-is-up", check=False).returncode == 0, 30, f"host {self.name}")
        self.wait_until(lambda: self.run("virsh", "uri", check=False).returncode == 0, 60,
                        f"libvirtd of {self.name}")

    def find_first(self):
        """PID of the host's process 1, as the container sees it."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.first = path.read_text(encoding="ascii").split()[:1]
        return self.first

    def inside(self, *argv):
        """The command line that runs a program on the host. The root is the container's, which is none of its own."""
        return ["nsenter", "--target", self.first[0], "--root", "--wd", "--mount", "--pid", "--net", "--uts", "--ipc",
                "--", *argv]

    def run(self, *argv, **options):
        """Run a program on the host."""
        return super().run(*self.inside(*argv), **options)

    def install(self, version):
        """The VMM's package, and the VMM behind the emulator program."""
        self.run("dpkg", "--install", REPOSITORY / f"{PACKAGE}_{version}.deb")
        self.run("virt-cpr-emulators", "set", qemu.EMULATOR.name, VENDOR_QEMU)

    def package_version(self):
        """The installed one."""
        return self.run("dpkg-query", "--show", "--showformat", "${Version}", PACKAGE).stdout

    def guest(self, name):
        """A small guest, started; it is not waited for."""
        guest = Domain(self, qemu.EMULATOR, name=name, memory_mib=256, jobs=["ticker"], devices=(),
                       shared_memory=False)
        guest.start_once()
        return guest

    def updates(self, guest):
        """How many updates of a guest have been completed, refused and rolled back, and when the last one ended."""
        stats = guest.qmp("query-update-in-place-stats")["updates"]
        last = json.loads(self.run(TOOL, "--info", "--json", guest.name).stdout)
        return (*(stats[name] for name in ("completed", "failed", "rolled-back")), last.get("ended"))

    def stop_sshd(self):
        """Nobody reaches it any more, not even over a connection that there is."""
        self.run("pkill", "^sshd")

    def start_sshd(self):
        """It can be reached again."""
        self.run("/usr/sbin/sshd", "-o", "UsePAM=no", "-o", "StrictModes=no")


class Playbook:
    """The playbook as installed, with an inventory of the hosts."""

    PATH = "/usr/share/libvirt-cpr/ansible/update-vmm.yml"
    INVENTORY = pathlib.Path("/tmp/inventory")
    RECORDS = pathlib.Path("/root/.local/state/libvirt-cpr/roll-outs")

    def __init__(self, l1, hosts, canary):
        self.l1 = l1
        lines = "\n".join(f"{host.name} ansible_host={host.address}" for host in hosts)
        self.INVENTORY.write_text(INVENTORY.format(hosts=lines, canary=canary.name), encoding="ascii")

    def run(self, name, *options, **variables):
        """A roll-out of that name; returns what ansible-playbook returned."""
        variables = {f"libvirt_cpr_update_{key}": value for key, value in variables.items()}
        variables["libvirt_cpr_update_run"] = name
        return self.l1.run("env", "ANSIBLE_NOCOLOR=1", "ANSIBLE_PIPELINING=1", "ansible-playbook", "-i",
                           self.INVENTORY, self.PATH, *options, "-e", json.dumps(variables), check=False,
                           timeout=120)

    def records(self, name):
        """What is recorded of the roll-out's hosts."""
        return {path.stem: json.loads(path.read_text(encoding="utf-8"))
                for path in (self.RECORDS / name).glob("*.json")}

    @staticmethod
    def recap(result):
        """Counts of each host in the play's recap."""
        lines = result.stdout.split("PLAY RECAP")[-1].splitlines()[1:]
        return {line.split()[0]: {key: int(value) for key, value in (word.split("=") for word in line.split()[2:])}
                for line in lines if " : " in line}

    def require_stopped(self, result, text):
        """It has failed, and says so."""
        self.l1.require(result.returncode not in (0, 4) and text in " ".join(result.stdout.split()),
                        f"the roll-out did not stop with '{text}'")

    def require_done(self, result):
        """It has succeeded."""
        if result.returncode != 0:
            raise Failure(f"the roll-out failed: {self.recap(result)}")

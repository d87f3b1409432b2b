# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenStack on this one host, with the real Nova and its libvirt driver on the diverted QEMU."""

import json
import os
import pathlib
import shutil
import time

from . import qemu, services
from .domain import QEMU, guest_kernel
from .l1 import FILES, Failure
from .server import QUESTION_PAUSE_S, Server
from .update import EMULATORS_TOOL, set_deadlines

DISTRIB = QEMU + ".distrib"
NOVA_CONF = pathlib.Path("/etc/nova/nova.conf.d/zz-scenario.conf")
PROVIDERS = pathlib.Path("/etc/nova/provider_config")
TRAIT = "CUSTOM_LIBVIRT_CPR"
# What every Nova from 26 on has, and more than is asked of it here.
MICROVERSION = "2.79"
DISK_BYTES = 64 << 20
MEMORY_MIB = 256
# Where emulated processors share a few real ones, a kernel takes one that had to wait for a broken clock.
COMMAND_LINE = ("console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable cpr.virtio "
                "cpr.job=io@vda,ticker cpr.blocks=1024 cpr.tick=100")
START_SECONDS = 240
# An `openstack` command alone takes seconds on a busy host.
COMMAND_SECONDS = 120


class Cloud:
    """Started on construction, with `settings` as a last part of nova.conf's."""

    def __init__(self, l1, settings="", deadlines_ms=None):
        os.environ["OS_CLOUD"] = "testbed"
        self.l1 = l1
        self.processes = {}
        self.divert_qemu(deadlines_ms or qemu.DEADLINES_MS)
        services.make_folders(l1.share / "openstack")
        NOVA_CONF.write_text(settings, encoding="utf-8")
        PROVIDERS.mkdir(exist_ok=True)
        shutil.copy("/usr/share/libvirt-cpr-nova/provider-libvirt-cpr.yaml", PROVIDERS)
        l1.on_clean_up(self.stop_all)
        self.start_all()
        self.connection = self.connect()
        self.wait_for_host()
        self.images = {}
        self.flavor = self.connection.compute.create_flavor(name="small", ram=MEMORY_MIB, vcpus=1, disk=0)

    def divert_qemu(self, deadlines_ms):
        """The host-wide opt-in, before Nova has looked for QEMU, and a second QEMU to update to."""
        qemu.NEXT_QEMU.parent.mkdir(exist_ok=True)
        shutil.copy2(QEMU, qemu.NEXT_QEMU)
        self.l1.run(EMULATORS_TOOL, "divert", QEMU)
        set_deadlines({name: value * self.l1.slow for name, value in deadlines_ms.items()})

    def upgrade(self, program):
        """Have guests updated to that program from now on."""
        self.l1.run(EMULATORS_TOOL, "set", pathlib.Path(QEMU).name, program)

    # -- services -------------------------------------------------------------------------------

    def start_all(self):
        """Start everything; what needs the others waits for them."""
        begin = time.monotonic()
        limit = START_SECONDS * self.l1.slow
        self.processes["database"] = services.start_database()
        self.processes["messages"] = services.start_messages()
        services.wait_for_port(services.DATABASE_PORT, limit, self.processes["database"])
        for name in services.SERVICES:
            self.start(name, wait=False)
        services.wait_for_port(services.MESSAGES_PORT, limit, self.processes["messages"])
        for name in services.SERVICES:
            self.wait_for(name)
        self.l1.log(f"OpenStack is up after {time.monotonic() - begin:.0f} s")

    def start(self, name, wait=True):
        """Start a service."""
        self.processes[name] = services.start_service(name)
        if wait:
            self.wait_for(name)

    def wait_for(self, name):
        """Wait until a service listens, if that is what it does."""
        port = services.SERVICES[name][1]
        if port:
            services.wait_for_port(port, START_SECONDS * self.l1.slow, self.processes[name])

    def stop(self, name):
        """Stop a service."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(60 * self.l1.slow)
        self.l1.log(f"{name} has stopped")

    def restart(self, name):
        """Stop a service and start it again."""
        self.stop(name)
        self.start(name)

    def stop_all(self):
        """End them, that their logs are whole."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)

    @staticmethod
    def connect():
        """An administrator's connection."""
        import openstack  # pylint: disable=import-outside-toplevel
        return openstack.connect(cloud="testbed")

    def wait_for_host(self):
        """Wait until Nova has the host, and schedules to it."""
        def there():
            self.require_running()
            return (any(service["state"] == "up" for service in self.services()) and
                    self.get("/os-hypervisors")["hypervisors"] and self.traits())
        self.l1.wait_until(there, START_SECONDS, "nova-compute to be up", QUESTION_PAUSE_S)

    def require_running(self):
        """Fail if a service has ended by itself."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        self.l1.require(not ended, f"services have ended: {ended}; see openstack/ of the run")

    # -- the API --------------------------------------------------------------------------------

    def get(self, path):
        """What Nova's API answers; an error fails the scenario."""
        response = self.connection.compute.get(path, microversion=MICROVERSION)
        self.l1.require(response.status_code == 200, f"GET {path}: {response.status_code} {response.text}")
        return response.json()

    def services(self):
        """The nova-computes."""
        return self.get("/os-services?binary=nova-compute")["services"]

    def service_is(self):
        """(status, reason) of the host's nova-compute."""
        service, = self.services()
        return service["status"], service["disabled_reason"]

    def traits(self):
        """The traits of the host, in Placement; none before nova-compute has told of it."""
        placement = self.connection.placement
        return [trait for provider in placement.get("/resource_providers").json()["resource_providers"]
                for trait in placement.get(f"/resource_providers/{provider['uuid']}/traits",
                                           microversion="1.6").json()["traits"]]

    def openstack(self, *arguments, check=True, timeout=COMMAND_SECONDS):
        """The `openstack` command."""
        return self.l1.run("openstack", *arguments, check=check, timeout=timeout)

    def table(self, *arguments, check=True, timeout=COMMAND_SECONDS):
        """The rows that an `openstack` command lists."""
        result = self.openstack(*arguments, "-f", "json", check=check, timeout=timeout)
        try:
            return json.loads(result.stdout)
        except ValueError as error:
            raise Failure(f"'openstack {' '.join(arguments)}' printed no JSON: {error}") from None

    # -- servers --------------------------------------------------------------------------------

    def image(self, kind=""):
        """An image of the guest: kernel, initramfs and an empty disk. With the kind `watchdog` servers get a device
        more."""
        if kind not in self.images:
            images = self.connection.image
            disk = pathlib.Path("/tmp/disk.raw")
            with open(disk, "wb") as file:
                file.truncate(DISK_BYTES)
            kernel, initrd = (
                images.create_image(name=what, filename=str(path), disk_format=what, container_format=what)
                for what, path in (("aki", guest_kernel()), ("ari", FILES / "guest.cpio")))
            more = {"hw_watchdog_action": "pause"} if kind == "watchdog" else {}
            self.images[kind] = images.create_image(
                name=f"guest{kind}", filename=str(disk), disk_format="raw", container_format="bare",
                kernel_id=kernel.id, ramdisk_id=initrd.id, os_command_line=COMMAND_LINE, **more).id
        return self.images[kind]

    def boot(self, name, kind="", ready=True):
        """A Server, by the API; `ready`: its guest is up, and writes to its disk."""
        made = self.connection.compute.create_server(name=name, image_id=self.image(kind), flavor_id=self.flavor.id,
                                                     networks="none")
        server = Server(self, made.id, name)
        server.wait_until_active()
        if ready:
            server.wait_until_ready()
        return server

    def compute_log(self):
        """What nova-compute has logged."""
        return (self.l1.share / "openstack" / "nova" / "nova-compute.log").read_text(encoding="utf-8")

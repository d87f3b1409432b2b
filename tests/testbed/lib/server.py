# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server of Nova's: a domain to libvirt, and what the API says of it."""

from .domain import BOOT_SECONDS, QEMU, READY, Domain
from .update import job

ACTIVE_SECONDS = 180
# Each question to Nova's API is questions to several services.
QUESTION_PAUSE_S = 1
# What nova-compute logs of a power state that it did not expect (_sync_instance_power_state of its manager), and of
# each change that libvirt tells.
UNEXPECTED = ("unexpectedly", "Calling the stop API", "does not match the vm_power_state", "(Lifecycle Event)")
RUNNING = 1
PAUSED = 3


class Server(Domain):
    """Made by Cloud.boot."""

    def __init__(self, cloud, server_id, title):  # pylint: disable=super-init-not-called
        self.cloud, self.l1 = cloud, cloud.l1
        self.id, self.title = server_id, title
        self.emulator = QEMU
        self.console = None
        self.name = None

    def show(self):
        """The server, as the API has it."""
        return self.cloud.get(f"/servers/{self.id}")["server"]

    def wait_until_active(self):
        """Wait until Nova has started it; then it has a domain."""
        def active():
            server = self.show()
            self.l1.require(server["status"] != "ERROR", f"{self.title}: {server.get('fault')}")
            return server["status"] == "ACTIVE"
        self.l1.wait_until(active, ACTIVE_SECONDS, f"the server {self.title} to be ACTIVE", QUESTION_PAUSE_S)
        self.name = self.show()["OS-EXT-SRV-ATTR:instance_name"]
        self.l1.on_clean_up(self.clean_up)
        self.attach_console()

    def wait_until_ready(self):
        """Wait until the guest is up: it was started without a reader of its console."""
        self.l1.wait_until(lambda: any(line.rstrip() == READY.lstrip("^") for line in self.printed()),
                           BOOT_SECONDS, f"the guest of {self.title}", QUESTION_PAUSE_S)
        # Nova answers by reading the pty itself: the reader until here lacks what Nova has got.
        self.attach_console()
        self.wait_for_io(10, job="io-vda")

    def printed(self):
        """The lines of the console, by the API."""
        answer = self.cloud.connection.compute.post(f"/servers/{self.id}/action", json={"os-getConsoleOutput": {}})
        return answer.json().get("output", "").splitlines()

    def lock_is(self):
        """(whether it is locked, the reason)."""
        server = self.show()
        return server["locked"], server["locked_reason"]

    def generation(self):
        """How many updates it has had."""
        return job(self)["generation"]

    def require_untouched(self, locked=(False, None)):
        """ACTIVE, at rest, running, and locked only as it is to be."""
        server = self.show()
        found = (server["status"], server["OS-EXT-STS:task_state"], server["OS-EXT-STS:power_state"])
        self.l1.require(found == ("ACTIVE", None, RUNNING), f"{self.title} is {found}")
        found = (server["locked"], server["locked_reason"])
        self.l1.require(found == locked, f"the lock of {self.title} is {found} instead of {locked}")
        self.l1.require(self.state() == "running", f"the domain of {self.title} is {self.state()}")

    def delete(self):
        """By the API, and wait until it is gone."""
        self.cloud.connection.compute.delete_server(self.id)
        self.cloud.connection.compute.wait_for_delete(self.cloud.connection.compute.get_server(self.id), wait=120)


def power_state_warnings(log):
    """Lines of nova-compute's log that tell of a power state that it did not expect."""
    return [line for line in log.splitlines() if any(words in line for words in UNEXPECTED)]

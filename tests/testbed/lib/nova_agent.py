# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-cpr-nova-agent, started on this host, and what it has kept."""

import json
import os
import pathlib
import subprocess

from . import services

PROGRAM = "/usr/bin/libvirt-cpr-nova-agent"
CONF = pathlib.Path("/etc/libvirt-cpr/libvirt-cpr-nova-agent.conf")
STATE = pathlib.Path("/var/lib/libvirt-cpr-nova")
PORT = 8790
ACCOUNT = f"""auth_type = password
auth_url = http://{services.ADDRESS}:5000/v3
username = libvirt-cpr
password = {services.PASSWORD}
project_name = service
user_domain_name = Default
project_domain_name = Default
"""
SETTINGS = f"""[DEFAULT]
transport_url = rabbit://guest:guest@{services.ADDRESS}/
state_path = {{state}}
log_file = {{log}}

[nova]
{ACCOUNT}region_name = regionOne

[keystone_authtoken]
{ACCOUNT}www_authenticate_uri = http://{services.ADDRESS}:5000/v3
service_token_roles_required = true

[api]
bind_port = {{port}}

[update]
api_deadline = {{deadline}}
longest_pause = 1
unanswered_grace = {{grace}}

[oslo_messaging_notifications]
driver = messagingv2
"""


class Agent:
    """One agent; several can be configured, each under its own name."""

    def __init__(self, l1, name="agent", port=PORT, state=STATE, deadline=20, grace=5):
        self.l1, self.name, self.port, self.state = l1, name, port, pathlib.Path(state)
        self.conf = CONF if name == "agent" else CONF.with_name(f"{name}.conf")
        self.log = l1.share / f"{name}.log"
        self.conf.write_text(SETTINGS.format(state=state, log=self.log, port=port, deadline=deadline, grace=grace),
                             encoding="utf-8")
        self.process = None
        l1.on_clean_up(self.kill)

    def start(self, program=(PROGRAM,), ready=True):
        """Start it, as another program if that is given; `ready`: it takes requests."""
        with open(self.l1.share / f"{self.name}.out", "ab") as output:
            self.process = subprocess.Popen([*program, "--config-file", str(self.conf)],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if ready:
            services.wait_for_port(self.port, 60 * self.l1.slow, self.process)
        return self

    def running(self):
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ask it to end; its exit status."""
        self.process.terminate()
        return self.process.wait(120 * self.l1.slow)

    def kill(self):
        """End it by SIGKILL, if it runs."""
        if self.running():
            self.process.kill()
            self.process.wait()

    def jobs(self):
        """What its journal has, oldest first."""
        found = []
        for path in self.state.glob("*.json"):
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except FileNotFoundError:
                continue
        return sorted(found, key=lambda job: (job["created_at"], os.stat(self.state / f"{job['id']}.json").st_mtime))

    def wait_until_ended(self, seconds=90):
        """Wait until nothing is left to do; the last job."""
        def last():
            jobs = self.jobs()
            return jobs[-1] if jobs and all(job["finished_at"] for job in jobs) else None
        return self.l1.wait_until(last, seconds, "the agent's jobs to end")

    def wait_for_step(self, step, seconds=60):
        """Wait until an instance of the last job is at that step."""
        def reached():
            jobs = self.jobs()
            return jobs and any(instance["step"] == step for instance in jobs[-1]["instances"])
        self.l1.wait_until(reached, seconds, f"the step {step}")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenStack's services, started from their packages' init scripts as systemd would start them."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import time

ADDRESS = "127.0.0.1"
HOST_NAME = "testbed"
PASSWORD = "testbed"
DATABASE_PORT, MESSAGES_PORT = 3306, 5672

# name of the init script -> user that it runs as, and port that it listens on
SERVICES = {
    "keystone": ("keystone", 5000),
    "placement-api": ("placement", 8778),
    "glance-api": ("glance", 9292),
    "neutron-api": ("neutron", 9696),
    "nova-api": ("nova", 8774),
    "nova-conductor": ("nova", None),
    "nova-scheduler": ("nova", None),
    "nova-compute": ("nova", None),
}
USERS = sorted({user for user, _ in SERVICES.values()})
# As packaged, each API is a dozen processes; and uWSGI looks for an application in Neutron's paste file that has another
# name there, instead of the program that would find it.
PROCESSES = re.compile(r"^processes = \d+$", re.MULTILINE)
PASTE = re.compile(r"^paste = .*$", re.MULTILINE)


def configure(settings):
    """Lay the settings (a folder of /etc) over those of the packages, and give the host its name."""
    shutil.copytree(settings, "/etc", dirs_exist_ok=True)
    for path in pathlib.Path("/etc").glob("*/*-uwsgi.ini"):
        text = PASTE.sub("", PROCESSES.sub("processes = 1", path.read_text(encoding="utf-8")))
        path.write_text(text, encoding="utf-8")
    socket.sethostname(HOST_NAME)
    pathlib.Path("/etc/hosts").write_text(f"{ADDRESS} localhost {HOST_NAME}\n", encoding="ascii")


def make_folder(path, user):
    """A folder of a service's user."""
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, user)


def make_folders(logs):
    """Those that are on file systems which are empty at first; the logs get into the folder `logs`."""
    for user in (*USERS, "mysql", "rabbitmq"):
        make_folder(logs / user, user)
        kept = pathlib.Path("/var/log") / user
        if kept.is_dir() and not kept.is_symlink():
            shutil.rmtree(kept)
        if not kept.is_symlink():
            kept.symlink_to(logs / user)
        make_folder(f"/run/{user}", user)
        make_folder(f"/run/lock/{user}", user)
        make_folder(f"/var/lib/{user}", user)
    make_folder("/run/mysqld", "mysql")
    make_folder("/var/lib/nova/tmp", "nova")
    make_folder("/var/lib/neutron/tmp", "neutron")
    make_folder("/var/lib/glance/images", "glance")


def as_user(user, *argv):
    """The command line that runs a program as a user, with all groups of his."""
    return ["setpriv", "--reuid", user, "--regid", user, "--init-groups", *argv]


def start(argv, user, name, folder=None):
    """Start a program that runs on as that user; its output gets into a file beside its logs. Returns the process."""
    account = pwd.getpwnam(user)
    environment = dict(os.environ, HOME=account.pw_dir, USER=user, LOGNAME=user)
    with open(f"/var/log/{user}/{name}.out", "ab") as output:
        return subprocess.Popen(as_user(user, *argv), cwd=folder or account.pw_dir, env=environment,
                                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def start_service(name):
    """Start one of SERVICES."""
    user, _ = SERVICES[name]
    return start([f"/etc/init.d/{name}", "systemd-start"], user, name, f"/var/lib/{user}")


def start_database():
    """Start MariaDB."""
    return start(["mariadbd"], "mysql", "mariadbd", "/")


def start_messages():
    """Start RabbitMQ."""
    return start(["/usr/lib/rabbitmq/bin/rabbitmq-server"], "rabbitmq", "rabbitmq-server")


def listens(port):
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0


def wait_for_port(port, seconds, process=None):
    """Wait until somebody listens there; TimeoutError if nobody does, or the process has ended."""
    end = time.monotonic() + seconds
    while not listens(port):
        if process is not None and process.poll() is not None:
            raise TimeoutError(f"'{process.args}' has ended with status {process.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on port {port} after {seconds} s")
        time.sleep(0.1)

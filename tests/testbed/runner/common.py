# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every module of the runner needs: paths, errors, locks, subprocesses."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

TESTBED_DIR = pathlib.Path(__file__).resolve().parent.parent
SOURCE_DIR = TESTBED_DIR.parent.parent


class TestbedError(Exception):
    """Something the user of scripts/testbed has to know: says what, where and what to do."""


def cache_dir():
    """Folder of everything that outlives a run (the tree, the images)."""
    override = os.environ.get("LIBVIRT_CPR_CACHE")
    if override:
        return pathlib.Path(override).resolve()
    return pathlib.Path.home() / ".cache" / "libvirt-cpr"


def say(text):
    """Progress goes to stderr: stdout holds nothing but the scenarios' results."""
    sys.stderr.write(f"testbed: {text}\n")


def call(argv, log=None, **options):
    """Run a program, its output into the open file `log`; a failure names the program and the log."""
    argv = [str(a) for a in argv]
    if log is not None:
        options.setdefault("stdout", log)
        options.setdefault("stderr", subprocess.STDOUT)
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        subprocess.run(argv, check=True, **options)
    except FileNotFoundError:
        raise TestbedError(f"program '{argv[0]}' not found") from None
    except subprocess.CalledProcessError as error:
        where = f"; see {log.name}" if log is not None else ""
        raise TestbedError(
            f"'{' '.join(argv)}' failed with status {error.returncode}{where}") from None


def output(argv, **options):
    """The standard output of a program that has to succeed."""
    try:
        return subprocess.run([str(a) for a in argv], check=True, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, **options).stdout
    except FileNotFoundError:
        raise TestbedError(f"program '{argv[0]}' not found") from None
    except subprocess.CalledProcessError as error:
        raise TestbedError(f"'{' '.join(map(str, argv))}' failed: {error.stderr.strip()}") from None


@contextlib.contextmanager
def locked(path):
    """Hold an exclusive lock: two runs must not build the same thing at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# program or file that shows the package's presence -> Debian package
HOST_PACKAGES = {
    "/usr/sbin/debootstrap": "debootstrap",
    "/usr/bin/unshare": "util-linux",
    "/usr/bin/gcc": "gcc",
    "/usr/include/x86_64-linux-gnu/bits/libc-header-start.h": "libc6-dev",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}


def ensure_host_packages(more):
    """Install what the runner itself uses, `more` for the scenarios, and nothing else, from the host's
    own release."""
    missing = sorted({package for path, package in {**HOST_PACKAGES, **more}.items()
                      if not os.path.exists(path)})
    if missing:
        if os.geteuid() != 0:
            raise TestbedError("missing packages: apt-get install " + " ".join(missing))
        say("installing " + " ".join(missing))
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        call(["apt-get", "-qq", "update"], env=environment)
        call(["apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing],
             env=environment, stdout=sys.stderr)
    if shutil.which("chroot") is None or os.geteuid() != 0:
        raise TestbedError("the testbed runs QEMU by chroot: run it as root")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is laid over the tree in L1: the installed project, and the testbed's own files."""

import os
import pathlib
import re
import shutil
import subprocess

from .common import SOURCE_DIR, TESTBED_DIR, TestbedError, call, locked, output, say

CONFIGURE_OPTIONS = ["--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var",
                     "--libexecdir=/usr/libexec"]
GUESTS_DIR = SOURCE_DIR / "tests" / "guests"
NEXT_VMM = "tests/cpr-vmm-next"
LIBRARY_DIR = "usr/lib/x86_64-linux-gnu"


def source_files():
    """Paths, relative to the top, of all files that belong to the sources."""
    if (SOURCE_DIR / ".git").exists():
        listing = output(["git", "-C", SOURCE_DIR, "ls-files", "-z", "-co", "--exclude-standard"])
        return [pathlib.Path(name) for name in listing.split("\0")
                if name and (SOURCE_DIR / name).is_file()]
    return [path.relative_to(SOURCE_DIR) for path in SOURCE_DIR.rglob("*")
            if path.is_file() and not path.relative_to(SOURCE_DIR).parts[0].startswith("build-")]


class Build:
    """A build of the project, configured for the paths that it has in L1."""

    def __init__(self, folder, own):
        """`own`: the folder is the testbed's, which keeps a copy of the sources in it, since a
        source folder that was itself configured cannot be built anywhere else."""
        self.folder = folder
        self.own = own
        self.log_path = folder / "testbed-build.log"

    def run(self):
        """Bring the build up to date."""
        self.folder.mkdir(parents=True, exist_ok=True)
        say(f"building the project (log: {self.log_path})")
        with open(self.log_path, "w", encoding="utf-8") as log:
            if self.own:
                self.prepare(log)
            elif not (self.folder / "config.status").exists():
                raise TestbedError(f"'{self.folder}' is no configured build folder")
            call(["make", "-C", self.folder, f"-j{os.cpu_count()}"], log=log)

    def prepare(self, log):
        """Copy what has changed in the sources, and configure if that was not done yet."""
        source = self.folder / "source"
        wanted = set(source_files())
        for path in wanted:
            copy_if_changed(SOURCE_DIR / path, source / path)
        manifest = self.folder / "source-files"
        if manifest.exists():
            for name in set(manifest.read_text(encoding="utf-8").split("\n")) - {
                    str(path) for path in wanted}:
                if name:
                    (source / name).unlink(missing_ok=True)
        manifest.write_text("\n".join(sorted(map(str, wanted))), encoding="utf-8")
        if not (source / "configure").exists():
            call(["./autogen.sh"], cwd=source, log=log)
        if not (self.folder / "config.status").exists():
            call([source / "configure", *CONFIGURE_OPTIONS], cwd=self.folder, log=log)

    def install(self, stage):
        """Install into `stage`, with the second build of the VMM beside the first."""
        with open(self.log_path, "a", encoding="utf-8") as log:
            call(["make", "-C", self.folder, "install", f"DESTDIR={stage}"], log=log)
            # after what install may have built, or the two would differ in more than the version
            call(["make", "-C", self.folder, NEXT_VMM], log=log)
        following = self.folder / NEXT_VMM
        if not following.exists():
            raise TestbedError(f"'{following}' was not built")
        target = stage / "usr/libexec/libvirt-cpr"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(following, target / following.name)


def copy_if_changed(source, target):
    """Copy a file unless the copy has the same size and time."""
    try:
        there, here = target.stat(), source.stat()
        if there.st_size == here.st_size and there.st_mtime_ns == here.st_mtime_ns:
            return
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def make_stage(stage, build_dir, may_build):
    """Fill the folder `stage` with the installed project. Without `may_build`, with what is built
    already, and it stays empty if nothing is."""
    stage.mkdir()
    own = build_dir is None
    build = Build(build_dir or SOURCE_DIR / "build-testbed", own)
    if not may_build and not (build.folder / "Makefile").exists():
        say("no build: L1 has nothing of the project")
        return
    with locked(build.folder / ".testbed.lock"):
        if may_build:
            build.run()
        build.install(stage)


def needed_libraries(path):
    """(soname, path on the host) of all shared libraries that a program of the host uses."""
    result = subprocess.run(["ldd", path], text=True, capture_output=True, check=False)
    return re.findall(r"^\s*(\S+) => (/\S+)", result.stdout, re.MULTILINE)


def copy_missing_libraries(tree, stage, files):
    """Programs built on the host run in the tree, which has other versions of some libraries."""
    target = files / LIBRARY_DIR
    for path in stage.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        for soname, source in needed_libraries(path):
            places = [tree.root / LIBRARY_DIR / soname, stage / LIBRARY_DIR / soname,
                      stage / "usr/lib" / soname, target / soname]
            if not any(place.exists() for place in places):
                shutil.copy(source, target / soname)


def add_host_program(files, tree, path):
    """Lay a program of the host's over the tree, with the libraries that the tree lacks."""
    program = files / path.lstrip("/")
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, program)
    for soname, source in needed_libraries(path):
        if not any((root / LIBRARY_DIR / soname).exists() for root in (tree.root, files)):
            shutil.copy(source, files / LIBRARY_DIR / soname)


def make_files(files, tree, stage, guest_image):
    """Fill the folder `files` with what the testbed itself needs in L1."""
    own = files / "usr/lib/libvirt-cpr-testbed"
    for folder in ("l1", "lib", "scenarios"):
        shutil.copytree(TESTBED_DIR / folder, own / folder,
                        ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(SOURCE_DIR / "tests" / "nova", own / "nova-tests",
                    ignore=shutil.ignore_patterns("__pycache__", "recordings"))
    shutil.copy(guest_image, own / "guest.cpio")
    compiler = ["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra"]
    call([*compiler, "-shared", "-fPIC", "-o", own / "inject.so",
          TESTBED_DIR / "faults" / "inject.c"])
    call([*compiler, "-static", "-o", own / "impostor", TESTBED_DIR / "faults" / "impostor.c"])
    call(["gcc", "-nostdlib", "-static", "-Wl,--build-id=none,--oformat=binary,-Ttext=0",
          "-o", own / "tiny-kernel", GUESTS_DIR / "tiny.S"])
    (files / LIBRARY_DIR).mkdir(parents=True)
    copy_missing_libraries(tree, stage, files)
    (files / "etc/libvirt").mkdir(parents=True)
    shutil.copy(TESTBED_DIR / "l1" / "qemu.conf", files / "etc/libvirt/qemu.conf")
    (files / "testbed").mkdir()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two initramfs images: L1's, and the L2 guest's with its test programs."""

import hashlib
import lzma
import os
import stat

from .common import SOURCE_DIR, TESTBED_DIR, cache_dir, call, locked, output

GUESTS_DIR = SOURCE_DIR / "tests" / "guests"

# What mounts the tree over 9p; the rest is loaded from the tree itself.
L1_MODULES = ["9p", "9pnet_virtio", "overlay"]
# The disk, the ACPI power button as an input device, and the panic device; and what only the guests
# load that ask for it.
L2_MODULES = ["nvme", "button", "evdev", "pvpanic-mmio"]
L2_GROUPS = {
    "sata": ["ahci", "sd_mod"],
    "virtio": ["virtio_pci", "virtio_blk", "virtio_net", "virtio_console"],
}


class Archive:
    """Writes a cpio archive in the kernel's format (newc)."""

    def __init__(self, stream):
        self.stream = stream
        self.inode = 0
        self.folders = set()

    def add(self, path, mode, data=b"", device=(0, 0)):
        """Add one entry, and the folders above it first."""
        parent = os.path.dirname(path)
        if parent:
            self.add_folder(parent)
        self.inode += 1
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path) + 1, 0]
        self.write(b"070701" + b"".join(b"%08X" % field for field in fields)
                   + path.encode() + b"\0")
        self.write(data)

    def add_folder(self, path):
        """Add a folder, once."""
        if path not in self.folders:
            self.folders.add(path)
            self.add(path, stat.S_IFDIR | 0o755)

    def add_program(self, path, source):
        """Add an executable file."""
        self.add(path, stat.S_IFREG | 0o755, source.read_bytes())

    def add_link(self, path, target):
        """Add a symbolic link."""
        self.add(path, stat.S_IFLNK | 0o777, target.encode())

    def finish(self):
        """Write the end of the archive."""
        self.add("TRAILER!!!", 0)

    def write(self, data):
        """Write with the padding that the format wants behind header and data."""
        self.stream.write(data + b"\0" * (-len(data) % 4))


def add_base(archive, tree):
    """busybox with a link for each of its programs, and the console."""
    busybox = tree.root / "usr/bin/busybox"
    archive.add_program("bin/busybox", busybox)
    for name in output([busybox, "--list"]).split():
        if name != "busybox":
            archive.add_link(f"bin/{name}", "busybox")
    for folder in ("proc", "sys", "dev"):
        archive.add_folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))


def add_modules(archive, tree, kernel, names, group="list"):
    """The modules, unpacked, and in the file `group` the order in which to load them."""
    order = []
    for path in tree.modules(kernel, names):
        data = path.read_bytes()
        name = path.name
        if name.endswith(".xz"):
            data, name = lzma.decompress(data), name.removesuffix(".xz")
        archive.add(f"modules/{name}", stat.S_IFREG | 0o644, data)
        order.append(name)
    archive.add(f"modules/{group}", stat.S_IFREG | 0o644, ("\n".join(order) + "\n").encode())


def compile_guest_programs(folder):
    """Compile tests/guests/*.c statically, each file a program of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = []
    for source in sorted(GUESTS_DIR.glob("*.c")):
        program = folder / source.stem
        call(["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-static", "-pthread", "-s",
              "-o", program, source])
        programs.append(program)
    return programs


def build_l1(tree, path):
    """L1's image: mounts the overlay of the tree and goes on with the init in it."""
    with open(path, "wb") as stream:
        archive = Archive(stream)
        add_base(archive, tree)
        add_modules(archive, tree, tree.l1_kernel(), L1_MODULES)
        archive.add_program("init", TESTBED_DIR / "l1" / "initramfs.sh")
        archive.finish()


def build_l2(tree, path):
    """The guest's image."""
    programs = compile_guest_programs(path.with_name("guest-programs"))
    with open(path, "wb") as stream:
        archive = Archive(stream)
        add_base(archive, tree)
        add_modules(archive, tree, tree.l2_kernel(), L2_MODULES)
        for group, modules in L2_GROUPS.items():
            add_modules(archive, tree, tree.l2_kernel(), modules, group)
        for program in programs:
            archive.add_program(f"bin/{program.name}", program)
        archive.add_program("init", GUESTS_DIR / "init.sh")
        archive.finish()


def ensure_images(tree):
    """Paths of both images, built anew when anything that is in them has changed."""
    sources = [TESTBED_DIR / "l1" / "initramfs.sh", TESTBED_DIR / "runner" / "images.py",
               *sorted(GUESTS_DIR.iterdir())]
    digest = hashlib.sha256(tree.recipe.encode())
    for source in sources:
        digest.update(source.name.encode() + source.read_bytes())
    folder = cache_dir() / "images" / digest.hexdigest()[:16]
    with locked(cache_dir() / "images.lock"):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            build_l1(tree, folder / "l1.cpio")
            build_l2(tree, folder / "guest.cpio")
            (folder / "complete").touch()
    return folder / "l1.cpio", folder / "guest.cpio"

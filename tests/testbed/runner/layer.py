# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only few scenarios need, in layers over the tree, which stays as it is for all others: Debian packages,
and what is set up once after their installation."""

import hashlib
import shutil

from .common import TESTBED_DIR, cache_dir, call, locked, say
from .tree import APT

# In a mount namespace of its own: $0 is what is below (folders, topmost first), $1 the layer, $2 and $3 are empty folders
# beside it, $4 is the testbed, which is seen in /mnt; the rest is run in the tree with the layer over it.
IN_LAYER = """
set -e
below=$0 layer=$1 work=$2 root=$3 files=$4
shift 4
mount -t overlay -o "lowerdir=$below,upperdir=$layer,workdir=$work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sys "$root/sys"
mount --bind /dev "$root/dev"
mount --bind "$files" "$root/mnt"
exec chroot "$root" "$@"
"""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
               "HOME": "/root"}


def build(below, folder, what, commands, isolation=()):
    """Run the commands in an empty layer, which gets its name when it is complete."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in ("layer", "work", "root"):
        (partial / name).mkdir(parents=True)
    log_path = folder.with_name(folder.name + ".log")
    say(f"layer: {what} (log: {log_path})")
    with open(log_path, "a", encoding="utf-8") as log:
        for argv in commands:
            call(["unshare", "--mount", *isolation, "--propagation", "private", "sh", "-c", IN_LAYER,
                  ":".join(map(str, below)), *(partial / name for name in ("layer", "work", "root")), TESTBED_DIR,
                  *argv], log=log, env=ENVIRONMENT)
    (partial / "layer").rename(folder)
    shutil.rmtree(partial)


def ensure(below, folder_name, what, commands, isolation=()):
    """The folder of that layer, built if need be."""
    folder = cache_dir() / folder_name
    with locked(cache_dir() / f"{folder_name}.lock"):
        if not folder.exists():
            build(below, folder, what, commands, isolation)
    return folder


def short_hash(*parts):
    """What tells one recipe from another."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def ensure_layer(tree, packages):
    """The folder of the layer with these packages, of the tree's own release."""
    commands = (["apt-get", "-qq", "update"], [*APT, "install", *packages], ["apt-get", "clean"])
    return ensure([tree.root], f"layer-{short_hash(tree.recipe, *packages)}", ", ".join(packages), commands)


def ensure_set_up(tree, layer, script, sources):
    """The folder of the layer that a program of the testbed makes over a layer of packages: it runs alone, without
    a network, and as process 1, so that nothing of it goes on. `sources` are the files that say what it does."""
    recipe = short_hash(layer.name, *(part for path in sources
                                      for part in (str(path.relative_to(TESTBED_DIR)), path.read_text(encoding="utf-8"))))
    return ensure([layer, tree.root], f"set-up-{recipe}", script,
                  [["python3", "-B", f"/mnt/{script}"]], ("--net", "--uts", "--pid", "--fork", "--kill-child"))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages that only few scenarios need: a layer over the tree, which stays as it is for all others."""

import hashlib
import shutil

from .common import cache_dir, call, locked, say
from .tree import APT, recipe_hash

# In a mount namespace of its own: $0 is the tree, $1 the layer, $2 and $3 are empty folders beside it; the rest
# is run in the tree with the layer over it.
IN_LAYER = """
set -e
tree=$0 layer=$1 work=$2 root=$3
shift 3
mount -t overlay -o "lowerdir=$tree,upperdir=$layer,workdir=$work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sys "$root/sys"
mount --bind /dev "$root/dev"
exec chroot "$root" "$@"
"""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
               "HOME": "/root"}


def build(tree, packages, folder):
    """Install the packages into an empty layer, which gets its name when it is complete."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in ("layer", "work", "root"):
        (partial / name).mkdir(parents=True)
    log_path = folder.with_name(folder.name + ".log")
    say(f"layer: {', '.join(packages)} (log: {log_path})")
    with open(log_path, "a", encoding="utf-8") as log:
        for argv in (["apt-get", "-qq", "update"], [*APT, "install", *packages], ["apt-get", "clean"]):
            call(["unshare", "-m", "--propagation", "private", "sh", "-c", IN_LAYER, tree.root,
                  *(partial / name for name in ("layer", "work", "root")), *argv], log=log, env=ENVIRONMENT)
    (partial / "layer").rename(folder)
    shutil.rmtree(partial)


def ensure_layer(tree, packages):
    """The folder of the layer with these packages, of the tree's own release."""
    recipe = "\n".join([recipe_hash(), *packages])
    folder = cache_dir() / f"layer-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    with locked(cache_dir() / "layers.lock"):
        if not folder.exists():
            build(tree, packages, folder)
    return folder

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers with OpenStack: the release's packages, and above them databases and catalog as set up."""

from .common import TESTBED_DIR
from .layer import ensure_layer, ensure_set_up

SET_UP = "cloud/install.py"

# What the one host of a cloud needs. Servers have no networks, but Nova asks the API of Neutron all the same.
# Nova's other packages for a hypervisor want every QEMU that there is; of this one the release's driver does not fit
# the tree's QEMU. The last ones are what libvirt-cpr-nova-agent needs beside.
PACKAGES = ["mariadb-server", "rabbitmq-server", "keystone", "placement-api", "glance", "neutron-api", "nova-api",
            "nova-conductor", "nova-scheduler", "nova-compute", "nova-compute-kvm", "qemu-block-extra/{suite}-backports",
            "python3-openstackclient", "python3-pymysql", "python3-cheroot", "sudo"]


def ensure_openstack(tree):
    """The folders of both layers, topmost first."""
    layer = ensure_layer(tree, [package.format(suite=tree.release.suite) for package in PACKAGES])
    settings = TESTBED_DIR / "cloud"
    sources = sorted(path for path in [TESTBED_DIR / "lib" / "services.py", *settings.rglob("*")] if path.is_file())
    return [ensure_set_up(tree, layer, SET_UP, sources), layer]

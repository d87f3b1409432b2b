# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers of a real Nova's are recorded for the agent's unit tests, into recordings/ of the run."""

import json
import os

from lib import services
from lib.cloud import Cloud
from lib.l1 import FILES

TIMEOUT_S = 600
STOCK_QEMU = True
IN_CONTAINER = True
OPENSTACK = True
BY_HAND = True

ACCOUNT = {"OS_AUTH_URL": f"http://{services.ADDRESS}:5000/v3", "OS_USERNAME": "admin",
           "OS_PASSWORD": services.PASSWORD, "OS_PROJECT_NAME": "admin", "OS_REGION_NAME": "regionOne"}


def run(l1):
    """tests/nova/record_answers.py does it."""
    cloud = Cloud(l1)
    server = cloud.boot("web")
    version = l1.run("dpkg-query", "-W", "-f", "${Version}", "nova-api").stdout
    release = version.rpartition(":")[2].rpartition("-")[0]
    os.environ.update(ACCOUNT)
    folder = l1.share / "recordings" / f"nova-{release.split('.')[0]}"
    l1.run("python3", FILES / "nova-tests/record_answers.py", "--server", server.id, "--release", release, folder,
           timeout=300)
    files = sorted(folder.glob("*.json"))
    l1.require(files, "nothing was recorded")
    for path in files:
        l1.require(json.loads(path.read_text(encoding="utf-8"))["exchanges"], f"{path.name} has no answers")
    server.require_untouched()
    l1.report(f"{len(files)} recordings of Nova {release}: {folder.relative_to(l1.share)}")

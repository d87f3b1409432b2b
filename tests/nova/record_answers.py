#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plays the scenes of scenes.py on a real Nova, and keeps its answers in a folder.

The server has to be ACTIVE and not locked; it is locked and unlocked, gets metadata and a tag, and
its host's compute service is disabled for a moment. Authentication is by OS_AUTH_URL, OS_USERNAME
and so on, as of the `openstack` command, for an administrator.

    tests/nova/record_answers.py --server ID --release 26.2.2 tests/nova/recordings/nova-26
"""
import argparse
import json
import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parents[1] / "nova")]

import recording  # noqa: E402  pylint: disable=wrong-import-position
import scenes  # noqa: E402  pylint: disable=wrong-import-position
from keystoneauth1 import adapter, session  # noqa: E402  pylint: disable=wrong-import-position
from keystoneauth1.identity import v3  # noqa: E402  pylint: disable=wrong-import-position
from libvirt_cpr_nova import nova_client  # noqa: E402  pylint: disable=wrong-import-position


def cloud():
    """An Adapter for the compute service."""
    auth = v3.Password(
        os.environ["OS_AUTH_URL"], username=os.environ["OS_USERNAME"], password=os.environ["OS_PASSWORD"],
        project_name=os.environ["OS_PROJECT_NAME"],
        user_domain_name=os.environ.get("OS_USER_DOMAIN_NAME", "Default"),
        project_domain_name=os.environ.get("OS_PROJECT_DOMAIN_NAME", "Default"))
    return adapter.Adapter(session.Session(auth), service_type="compute", region_name=os.environ.get("OS_REGION_NAME"),
                           interface=os.environ.get("OS_INTERFACE", "public"),
                           # uWSGI ends a connection after an answer without saying so, and the next request meets that
                           connect_retries=3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="id of the server")
    parser.add_argument("--release", required=True, help="Nova's version")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    nova = nova_client.NovaClient(cloud())
    server = nova.server(options.server)
    facts = {"release": options.release, "server_id": server["id"], "server_name": server["name"],
             "host": server["OS-EXT-SRV-ATTR:host"], "user_id": nova.user_id()}
    options.folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes.SCENES:
        recorder = recording.Recorder(cloud())
        scene(nova_client.NovaClient(recorder), facts)
        document = {"facts": facts, "exchanges": recorder.exchanges}
        (options.folder / f"{scene.__name__}.json").write_text(json.dumps(document, indent=1) + "\n")
        print(f"{scene.__name__}: {len(recorder.exchanges)} answers")


if __name__ == "__main__":
    main()

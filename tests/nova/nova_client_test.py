#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""NovaClient on recorded answers of real Novas: each scene is played for each release that there is."""
import json
import unittest

import support  # noqa: F401  pylint: disable=unused-import
import recording
import requests_mock
import scenes
import world
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3
from libvirt_cpr_nova import errors, nova_client


SERVER = "aaaaaaaa-0000-4000-8000-000000000000"


def client(keystone):
    """NovaClient as the agent has it."""
    auth = v3.Password(f"{keystone}/v3", username="u", password="p", project_name="service",
                       user_domain_name="Default", project_domain_name="Default")
    return nova_client.NovaClient(adapter.Adapter(session.Session(auth), service_type="compute"))


class Scenes(unittest.TestCase):
    """What holds of each, on real answers and on the stand-in that other tests rest on."""

    def each(self, scene, stand_in=True):
        """(what a scene tells, facts) of every release, and of the stand-in."""
        told = [self.play(folder, scene) for folder in recording.releases()]
        return told + [self.play_on_stand_in(scene)] if stand_in else told

    def play(self, folder, scene):
        """On a release's answers; it has to ask what was asked then."""
        document = json.loads((folder / f"{scene.__name__}.json").read_text())
        with requests_mock.Mocker() as mocker:
            replay = recording.Replay(document, mocker)
            told = scene(client("http://keystone.example"), replay.facts)
        self.assertEqual((replay.problems, replay.left), ([], []), folder)
        return told, replay.facts

    def play_on_stand_in(self, scene):
        """On a World."""
        there = world.World([world.Server(SERVER)])
        try:
            name = there.servers[SERVER].document()["name"]
            facts = {"server_id": SERVER, "server_name": name, "host": world.HOST, "user_id": world.US}
            return scene(client(there.url), facts), facts
        finally:
            there.close()

    def test_the_stand_in_has_nothing_that_real_answers_have_not(self):
        for scene in (scenes.lock, scenes.service, scenes.hypervisors):
            made = self.play_on_stand_in(scene)[0][0]
            for told, _facts in self.each(scene, stand_in=False):
                self.assertEqual(set(made) - set(told[0]), set())

    def test_a_lock_is_seen_and_whose_it_is(self):
        for told, facts in self.each(scenes.lock):
            before, locks_before, under, locks_under, after, locks_after = told
            self.assertEqual((before["status"], before["OS-EXT-STS:task_state"]), ("ACTIVE", None))
            self.assertEqual(before["OS-EXT-SRV-ATTR:host"], facts["host"])
            self.assertTrue(before["tenant_id"])
            self.assertFalse(before["locked"])
            self.assertEqual((under["locked"], under["locked_reason"]), (True, scenes.REASON))
            self.assertEqual((after["locked"], after["locked_reason"]), (False, None))
            self.assertEqual(locks_under, [("lock", facts["user_id"]), *locks_before])
            self.assertEqual(locks_after, [("unlock", facts["user_id"]), *locks_under])

    def test_a_service_is_disabled_with_a_reason(self):
        for (before, under, after), facts in self.each(scenes.service):
            self.assertEqual((before["host"], before["status"]), (facts["host"], "enabled"))
            self.assertEqual((under["id"], under["status"]), (before["id"], "disabled"))
            self.assertEqual(under["disabled_reason"], scenes.REASON)
            self.assertEqual((after["status"], after["disabled_reason"]), ("enabled", None))

    def test_hosts_have_an_address(self):
        for hypervisors, facts in self.each(scenes.hypervisors):
            found = [hypervisor for hypervisor in hypervisors if hypervisor["service"]["host"] == facts["host"]]
            self.assertEqual(len(found), 1)
            self.assertRegex(found[0]["host_ip"], r"^[\d.]+$|:")
            self.assertIn(found[0]["hypervisor_type"], ("QEMU", "KVM"))
            self.assertTrue(found[0]["hypervisor_hostname"])

    def test_servers_are_found_by_their_name(self):
        for (found, none), facts in self.each(scenes.names):
            self.assertEqual([server["id"] for server in found], [facts["server_id"]])
            self.assertIn("OS-EXT-SRV-ATTR:host", found[0])
            self.assertEqual(none, [])

    def test_results_are_kept(self):
        for metadata, _facts in self.each(scenes.metadata):
            self.assertEqual(metadata["libvirt_cpr_result"], "updated")
        for (tags, tags_after), _facts in self.each(scenes.tags):
            self.assertIn(scenes.TAG, tags)
            self.assertNotIn(scenes.TAG, tags_after)

    def test_errors_have_their_kind(self):
        for told, _facts in self.each(scenes.gone):
            self.assertEqual(set(told), {errors.NotFound})
        for told, _facts in self.each(scenes.refused, stand_in=False):
            self.assertEqual(set(told), {errors.Denied})


if __name__ == "__main__":
    unittest.main()

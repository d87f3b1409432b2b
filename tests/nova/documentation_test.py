#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages have every option, rule, result and column that there is, and the sample no other."""
import argparse
import configparser
import re
import unittest

import support
from libvirt_cpr_nova import access, config, jobs
from libvirt_cpr_nova.osc import compute_vmm, plugin, server_vmm, vmm_job
from osc_lib.command import command
from oslo_config import cfg

PAGES = support.TOP / "docs/manpages"
DATA = support.TOP / "nova/data"


def page(name):
    """A manual page's source."""
    return (PAGES / f"{name}.rst").read_text()


class Documentation(unittest.TestCase):
    def test_options_of_the_configuration(self):
        text = page("libvirt-cpr-nova-agent.conf")
        sections = dict(re.findall(r"\n\[(\w+)\]\n=+\n(.*?)(?=\n\[|\nEXAMPLES)", text, re.S))
        for group, options in config.list_options():
            if group != config.NOVA:
                documented = set(re.findall(r"``(\w+)``", sections[group or "DEFAULT"]))
                self.assertEqual({option.dest for option in options} - documented, set(), group)

    def test_defaults_of_the_configuration(self):
        text = page("libvirt-cpr-nova-agent.conf")
        for group, options in config.list_options():
            for option in options:
                if group in ("api", "update", "libvirt") and option.default is not None:
                    told = f"``{option.default}``" if isinstance(option.default, str) else f"{option.default:g}"
                    self.assertRegex(text, rf"``{option.dest}``\n(  .*\n)*?  .*{re.escape(told)}", option.dest)

    def test_the_sample_has_only_options_that_there_are(self):
        known = {group or "DEFAULT": {option.dest for option in options} for group, options in config.list_options()}
        sample = (DATA / "libvirt-cpr-nova-agent.conf").read_text()
        parsed = configparser.ConfigParser(interpolation=None)
        parsed.read_string(re.sub(r"(?m)^#(?=\w+ = )", "", sample))
        for group in ("api", "update", "nova"):
            self.assertEqual(set(parsed[group]) - set(parsed["DEFAULT"]) - known[group], set())

    def test_the_sample_is_read(self):
        conf = cfg.ConfigOpts()
        config.register(conf)
        conf([], default_config_files=[str(DATA / "libvirt-cpr-nova-agent.conf")])
        self.assertEqual((conf.nova.auth_type, conf.api.bind_port), ("password", 8790))

    def test_rules(self):
        for rule in access.list_rules():
            self.assertIn(f"``{rule.name}``", page("libvirt-cpr-nova-agent"))

    def test_results(self):
        for result in jobs.WELL + jobs.LEFT_ALONE + jobs.BADLY:
            self.assertRegex(page("libvirt-cpr-nova-agent"), rf"\n``{result}``\n  ")

    def test_commands_and_their_options(self):
        text, points = page("openstack-compute-vmm"), (DATA / "entry_points.txt").read_text()
        found = {name.replace("_", " "): target.split(":")[1]
                 for name, target in re.findall(r"^(\w+_vmm_\w+) = (\S+)$", points, re.M)}
        classes = {cls.__name__: cls for module in (compute_vmm, server_vmm, vmm_job) for cls in vars(module).values()
                   if isinstance(cls, type) and cls.__module__ == module.__name__ and hasattr(cls, "take_action")}
        del classes["JobCommand"]
        self.assertEqual(set(found.values()), set(classes))
        for words, name in found.items():
            synopsis = re.search(rf"\n``openstack {words}``(.*)\n", text)
            self.assertTrue(synopsis, words)
            options = {option for action in own_actions(classes[name]) for option in action.option_strings}
            self.assertEqual(options, set(re.findall(r"\*(--[\w-]+)\*", synopsis.group(1))), words)
            for option in options:
                self.assertRegex(text, rf"\n\*{option}\*")

    def test_global_options(self):
        parser = plugin.build_option_parser(argparse.ArgumentParser(add_help=False))
        for action in parser._actions:  # pylint: disable=protected-access
            self.assertIn(f"\n*{action.option_strings[0]}*", page("openstack-compute-vmm"))


def own_actions(command_class):
    """What a command's parser has that is not of every command that shows a table."""
    class Bare(command.Lister):
        """One with nothing of its own."""

        def take_action(self, parsed_args):
            """Nothing."""
    bare, whole = ({action.dest: action for action in cls(None, None).get_parser("x")._actions}
                   for cls in (Bare, command_class))
    return [action for name, action in whole.items() if name not in bare]


if __name__ == "__main__":
    unittest.main()

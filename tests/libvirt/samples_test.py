#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sample domains of xml/ by libvirt's schema, and what is ours in them by our own."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = sorted((TOP / "xml").glob("*.xml"))
SCHEMA = TOP / "xml/domain-metadata.rng"
# What a user replaces, and by what here.
PLACES = {"NAME": "g1", "KERNEL": "/boot/vmlinuz", "INITRD": "/boot/initrd.img",
          "DISK": "/var/lib/libvirt/images/g1.img", "0xBUS": "0x01", "0xSLOT": "0x00"}
OURS = "{http://libvirt-cpr.org/xmlns/"


def filled_in(sample):
    """The sample's text with its places filled in, but for what its comment says of them."""
    comment, domain = sample.read_text().split("-->", 1)
    for place, value in PLACES.items():
        domain = domain.replace(place, value)
    return comment + "-->" + domain


def run(*arguments):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout


@unittest.skipUnless(shutil.which("virt-xml-validate") and shutil.which("xmllint"),
                     "virt-xml-validate or xmllint is not installed (Debian packages "
                     "libvirt-clients, libxml2-utils)")
class Samples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_there_is_one_of_each_backend(self):
        self.assertEqual([sample.stem for sample in SAMPLES], ["cpr-vmm", "qemu"])

    def test_libvirt_understands_them(self):
        for sample in SAMPLES:
            path = self.file(sample.name, filled_in(sample))
            status, output = run("virt-xml-validate", str(path), "domain")
            self.assertEqual(status, 0, output)

    def test_all_places_are_filled_in(self):
        for sample in SAMPLES:
            domain = filled_in(sample).split("-->", 1)[1]
            text = re.sub(r"<!--.*?-->", "", domain, flags=re.DOTALL)
            self.assertEqual(re.findall(r"[>'][A-Z]{3,}[<']|0x[A-Z]{3,}", text), [])

    def test_our_metadata_is_valid(self):
        found = 0
        for sample in SAMPLES:
            metadata = ElementTree.fromstring(filled_in(sample)).find("metadata")
            for element in metadata if metadata is not None else ():
                self.assertTrue(element.tag.startswith(OURS), element.tag)
                path = self.file("metadata.xml", ElementTree.tostring(element, encoding="unicode"))
                status, output = run("xmllint", "--noout", "--relaxng", str(SCHEMA), str(path))
                self.assertEqual(status, 0, output)
                found += 1
        self.assertGreater(found, 0)

    def test_a_mistake_is_found(self):
        text = filled_in(TOP / "xml/qemu.xml").replace("<emulator>", "<emulater>")
        path = self.file("wrong.xml", text.replace("</emulator>", "</emulater>"))
        self.assertNotEqual(run("virt-xml-validate", str(path), "domain")[0], 0)


if __name__ == "__main__":
    unittest.main()

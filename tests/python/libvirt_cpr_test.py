#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python module over the library as built and libvirt's test driver.

CPR_BUILDDIR in the environment names the folder of the build; without it, build/ beside src/.
"""
import ctypes
import inspect
import os
import pathlib
import re
import sys
import threading
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CPR_BUILDDIR", TOP / "build"))
HEADER = (TOP / "include/libvirt-cpr/libvirt-cpr.h").read_text()
sys.path.insert(0, str(TOP / "src/python"))

import libvirt  # noqa: E402
import libvirt_cpr  # noqa: E402

libvirt_cpr._LIBRARY = str(BUILD / ".libs/liblibvirt-cpr.so.0")
libvirt.registerErrorHandler(lambda _context, _error: None, None)

NOT_SUPPORTED = ("this function is not supported by the connection driver: "
                 "virDomainQemuMonitorCommand")


def fields():
    """VIR_DOMAIN_CPR_JOB_FIELD_* of the header, by their names."""
    return dict(re.findall(r'#define VIR_DOMAIN_CPR_JOB_FIELD_(\w+) "([^"]+)"', HEADER))


class OverTheTestDriver(unittest.TestCase):
    def setUp(self):
        self.domain = libvirt.open("test:///default").lookupByName("test")

    def calls(self):
        """Every function, called."""
        return (lambda: libvirt_cpr.check(self.domain), lambda: libvirt_cpr.update(self.domain),
                lambda: libvirt_cpr.wait(self.domain, 1), lambda: libvirt_cpr.job_info(self.domain),
                lambda: libvirt_cpr.job_json(self.domain), lambda: libvirt_cpr.cancel(self.domain),
                lambda: libvirt_cpr.stats(self.domain),
                lambda: libvirt_cpr.register_event(self.domain, print))

    def test_libvirts_errors_are_its_own(self):
        for call in self.calls():
            with self.assertRaises(libvirt.libvirtError) as raised:
                call()
            error = raised.exception
            self.assertIs(type(error), libvirt.libvirtError)
            self.assertEqual(str(error), NOT_SUPPORTED)
            self.assertEqual(error.get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)
            self.assertEqual(error.get_str2(), "virDomainQemuMonitorCommand")

    def test_errors_are_typed(self):
        for keywords in ({"emulator": "relative"}, {"mode": "fast"}, {"max_pause": 0}):
            with self.assertRaises(libvirt_cpr.InvalidArgument) as raised:
                libvirt_cpr.update(self.domain, **keywords)
            self.assertIsInstance(raised.exception, libvirt.libvirtError)
            self.assertEqual(raised.exception.code, "invalid-argument")
            self.assertEqual(raised.exception.get_error_code(), libvirt.VIR_ERR_INVALID_ARG)
            self.assertEqual(raised.exception.get_error_domain(), libvirt.VIR_FROM_QEMU)
            self.assertIsNone(raised.exception.job)
        with self.assertRaises(libvirt_cpr.InvalidArgument):
            libvirt_cpr.deregister_event(self.domain, 12)

    def test_a_domain_is_enabled_and_disabled(self):
        before = self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        program = "/usr/bin/virt-cpr-emulator"
        restart, xml = libvirt_cpr.enable(self.domain, program, cpr_vmm=True, dry_run=True)
        self.assertTrue(restart)
        self.assertIn(f"<emulator>{program}</emulator>", xml)
        self.assertIn('<access mode="shared"/>', xml)
        self.assertEqual(self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), before)
        libvirt_cpr.enable(self.domain)
        self.assertIn("/virt-cpr-qemu</emulator>",
                      self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        self.assertFalse(libvirt_cpr.disable(self.domain)[0])
        self.assertEqual(self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), before)
        with self.assertRaises(libvirt_cpr.InvalidState):
            libvirt_cpr.disable(self.domain)

    def test_a_policy_is_kept(self):
        self.assertEqual(libvirt_cpr.policy(self.domain),
                         {"allowed": True, "mode": "auto", "max_pause": 0})
        libvirt_cpr.set_policy(self.domain, allowed=False, max_pause=500)
        libvirt_cpr.set_policy(self.domain, mode="exec")
        self.assertEqual(libvirt_cpr.policy(self.domain),
                         {"allowed": False, "mode": "exec", "max_pause": 500})
        for call in (libvirt_cpr.update, libvirt_cpr.check):
            with self.assertRaises(libvirt_cpr.NotAllowed) as raised:
                call(self.domain)
            self.assertEqual(raised.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
        with self.assertRaises(libvirt_cpr.InvalidArgument):
            libvirt_cpr.set_policy(self.domain, mode="fast")
        libvirt_cpr.set_policy(self.domain)
        self.assertTrue(libvirt_cpr.policy(self.domain)["allowed"])

    def test_a_history_is_read(self):
        self.assertEqual(libvirt_cpr.history(self.domain), [])
        self.domain.setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT,
            "<history><update generation='2' time='t' binary='/b' version='1' pause-ns='5'/>"
            "</history>", "cpr", "http://libvirt-cpr.org/xmlns/domain/history/1.0")
        self.assertEqual(libvirt_cpr.history(self.domain), [
            {"generation": 2, "time": "t", "binary": "/b", "version": "1", "pause-ns": 5}])

    def test_wrong_types_are_pythons_errors(self):
        with self.assertRaises(TypeError):
            libvirt_cpr.update("test")
        with self.assertRaises(TypeError):
            libvirt_cpr.register_event(self.domain, None)
        for value in (-1, 1 << 32, 1.5, "1"):
            with self.assertRaises(ValueError):
                libvirt_cpr.update(self.domain, timeout=value)

    def test_threads_have_errors_of_their_own(self):
        wrong = []

        def call(argument, error):
            for _ in range(200):
                try:
                    libvirt_cpr.update(self.domain, **argument)
                except libvirt.libvirtError as raised:
                    if error not in str(raised):
                        wrong.append((error, str(raised)))
        threads = [threading.Thread(target=call, args=arguments) for arguments in (
            ({"mode": "a"}, "'a' is no mode"), ({"mode": "b"}, "'b' is no mode"),
            ({}, NOT_SUPPORTED), ({"emulator": "c"}, "'c' is no absolute path"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_failed_registration_leaves_nothing(self):
        with self.assertRaises(libvirt.libvirtError):
            libvirt_cpr.register_event(self.domain, print)
        self.assertEqual(libvirt_cpr._Call.calls, {})
        self.assertEqual(libvirt_cpr._registered, [])


class AsTheHeaderSays(unittest.TestCase):
    def test_statuses(self):
        wanted = {name: int(number) for name, number in
                  re.findall(r"VIR_DOMAIN_CPR_JOB_([A-Z_]+) = (\d+)", HEADER)}
        self.assertEqual({status.name: int(status) for status in libvirt_cpr.JobStatus}, wanted)

    def test_every_function_is_declared(self):
        declared = set(re.findall(r"^[\w *]+?\b(vir\w+)\(", re.sub(r"/\*.*?\*/", "", HEADER,
                                                                   flags=re.DOTALL), re.MULTILINE))
        self.assertEqual(set(libvirt_cpr._SIGNATURES), declared)

    def test_layout_of_typed_parameters(self):
        self.assertEqual(ctypes.sizeof(libvirt_cpr._TypedParameter), 96)
        self.assertEqual(libvirt_cpr._TypedParameter.value.offset, 88)

    def test_fields(self):
        """Each name of the header's is one that JobInfo reads or that is in params alone."""
        source = inspect.getsource(libvirt_cpr.JobInfo)
        alone = {"CHECK", "STATUS", "PAUSE_STOPPED_AT", "PAUSE_RUNNING_AT", "REHEARSAL_PAUSE",
                 "REHEARSAL_RUN", "REHEARSAL_STATE_BYTES", "REHEARSAL_SKIPPED"}
        for name, value in fields().items():
            if name in alone or "FIX" in name or name.startswith("PAUSE_"):
                continue
            self.assertIn(f'"{value}"', source, name)

    def test_parameters(self):
        source = inspect.getsource(libvirt_cpr._update_params)
        for value in re.findall(r'#define VIR_DOMAIN_CPR_PARAM_\w+ "([^"]+)"', HEADER):
            self.assertIn(f'"{value}"', source)


class Jobs(unittest.TestCase):
    PARAMS = {"job-id": 3, "status": "failed", "phase": "validate", "domain-pid": 7,
              "blockers.count": 2, "blockers.0.id": "a", "blockers.0.reason": "b",
              "blockers.0.remedy": "c", "blockers.1.id": "d", "phases.count": 1,
              "phases.0.name": "validate", "phases.0.begin-ns": 5, "pause.save-ns": 1,
              "pause.total-ns": 9}

    def test_properties(self):
        job = libvirt_cpr.JobInfo(3, self.PARAMS)
        self.assertIs(job.status, libvirt_cpr.JobStatus.FAILED)
        self.assertEqual((job.id, job.phase, job.vmm_pid, job.new_version),
                         (3, "validate", 7, None))
        self.assertEqual(job.blockers, (libvirt_cpr.Blocker("a", "b", "c"),
                                        libvirt_cpr.Blocker("d", "", "")))
        self.assertEqual(job.phases, (("validate", 5, None),))
        self.assertEqual((job.pause_ns, job.pause_parts_ns), (9, {"save": 1}))
        self.assertEqual(repr(job), "<JobInfo 3 failed validate>")

    def test_everything_public_has_a_docstring(self):
        for name in libvirt_cpr.__all__:
            thing = getattr(libvirt_cpr, name)
            self.assertTrue(inspect.getdoc(thing), name)
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if isinstance(value, property):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{member}")


if __name__ == "__main__":
    unittest.main()

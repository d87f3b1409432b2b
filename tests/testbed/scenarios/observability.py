# SPDX-License-Identifier: LGPL-2.1-or-later
"""Updates are told of in the journal, in syslog and in metrics: one that succeeds, one that is refused, one that is rolled back."""

import json
import pathlib
import shutil

from lib import qemu
from lib.domain import Domain
from lib.l1 import FILES
from lib.metrics import Metrics
from lib.system_log import JOURNAL, SYSLOG, Listener, parse_entry, parse_syslog
from lib.update import CONTROLLER, TOOL, job

TIMEOUT_S = 240
QEMU_BACKEND = True
IN_CONTAINER = True
FILE = pathlib.Path("/run/libvirt-cpr.prom")
PREFIX = "LIBVIRT_CPR_"
PHASES = ["validate", "prepare", "save", "exec", "load", "resume", "finish"]
# A guest with this cannot be handed over.
MONITOR = ("-qmp", "unix:/tmp/monitor,server=on,wait=off")
LOCAL_DAEMON = 24
INFO, WARNING = 6, 4


def flattened(prefix, value):
    """The fields that a journal's entry has of a job's report, by the rule of the manual."""
    for name, member in value.items():
        field = prefix + name.upper().replace("-", "_")
        if name.endswith("-parts"):
            continue
        if isinstance(member, dict):
            yield from flattened(field + "_", member)
        elif not isinstance(member, list):
            yield field, json.dumps(member) if not isinstance(member, str) else member


class Journal(Listener):
    """journald's socket, with an answer to each question of this scenario."""

    def __init__(self, l1, **options):
        super().__init__(l1, JOURNAL, parse_entry, **options)
        self.l1 = l1

    def of_job(self, guest, number, count):
        """The entries of a job, once all are there."""
        def found():
            return [entry for entry in self.entries if entry[PREFIX + "DOMAIN"] == [guest.name] and
                    entry[PREFIX + "JOB_ID"] == [str(number)]]
        self.l1.wait_until(lambda: len(found()) >= count, 20, f"{count} lines of the journal")
        self.l1.sleep(0.2)
        self.l1.require(not self.wrong, f"what came is no entry: {self.wrong}")
        self.l1.require(len(found()) == count, f"too many lines: {found()}")
        return found()


def update(guest, *options, binary=qemu.NEXT_QEMU):
    """An update, however it ends; its report as the tool gives it."""
    guest.l1.run(TOOL, *options, guest.name, binary, check=False, timeout=90)
    return json.loads(guest.l1.run(TOOL, "--info", "--json", guest.name).stdout)


def require_told(journal, guest, report, status, phases, priority):
    """The journal has begin, phases and end of the job, and says of it what --json says."""
    l1 = guest.l1
    l1.require(report["status"] == status and report["domain"] == guest.name,
               f"not {status}: {report}")
    entries = journal.of_job(guest, report["job-id"], len(phases) + 2)
    l1.require(all(entry["SYSLOG_IDENTIFIER"] == [CONTROLLER] for entry in entries),
               "somebody else is named as who tells")
    l1.require([entry[PREFIX + "PHASE"][0] for entry in entries[1:-1]] == phases,
               f"other phases: {[entry['MESSAGE'] for entry in entries]}")
    for entry, phase in zip(entries[1:-1], report["phases"]):
        told = {name: entry[PREFIX + name.upper().replace("-", "_")][0]
                for name in ("begin-ns", "end-ns")}
        l1.require(all(int(text) == phase[name] for name, text in told.items()),
                   f"{entry['MESSAGE']} has {told} instead of {phase}")
    end = entries[-1]
    wanted = dict(flattened(PREFIX, report))
    found = {name: values[0] for name, values in end.items()
             if name.startswith(PREFIX) and name != PREFIX + "BLOCKER"}
    l1.require(found == wanted, f"the journal has {found}, and --json {wanted}")
    l1.require(end["PRIORITY"] == [str(priority)], f"the priority is {end['PRIORITY']}")
    l1.require(end.get(PREFIX + "BLOCKER", []) == [blocker["id"] for blocker in
                                                  report.get("blockers", [])], "other blockers")
    return end["MESSAGE"][0]


def metrics(l1, *arguments, check=True):
    """What is written for Prometheus, beside or without an update."""
    FILE.unlink(missing_ok=True)
    result = l1.run(TOOL, "--metrics", FILE, *arguments, check=check, timeout=90)
    l1.require(arguments or not result.stdout + result.stderr, "a timer's mail would have text")
    return Metrics(FILE.read_text(encoding="utf-8"))


def check_journal(l1, guest, blocked):
    """An update of each kind of end."""
    journal = Journal(l1)
    done = update(guest)
    text = require_told(journal, guest, done, "completed", PHASES, INFO)
    l1.require("completed" in text and "paused for" in text, f"not told of the pause: {text}")
    missing = update(guest, binary="/nonexistent/qemu")
    require_told(journal, guest, missing, "failed", PHASES[:1], WARNING)
    impostor = shutil.copy(FILES / "impostor", "/run/qemu-lacks-serial")
    back = update(guest, binary=impostor)
    require_told(journal, guest, back, "rolled-back", PHASES[:4], WARNING)
    refused = update(blocked, "--check")
    require_told(journal, blocked, refused, "failed", PHASES[:1], WARNING)
    l1.require(refused["check"] and refused["blockers"], f"no blockers: {refused}")
    told = json.loads(l1.run(TOOL, "--check", "--json", blocked.name, check=False).stdout)
    l1.require(told.keys() == refused.keys(), "of a check --json tells something else than --info")
    journal.stop()
    return done, back


def check_metrics(l1, guest, done, back):
    """The same as numbers."""
    found = metrics(l1)
    wanted = {"completed": 1, "failed": 1, "rolled-back": 1, "cancelled": 0}
    for status, count in wanted.items():
        l1.require(found.value("libvirt_cpr_updates_total", domain=guest.name, status=status) == count,
                   f"not {count} updates {status}")
    l1.require(found.value("libvirt_cpr_checks_total", domain="blocked", status="failed") == 2,
               "the checks were not counted")
    for phase in PHASES[2:6]:
        total = sum(max(report["pause"][phase + "-ns"], 0) for report in (done, back))
        seconds = found.value("libvirt_cpr_pause_seconds_sum", domain=guest.name, phase=phase)
        l1.require(abs(seconds - total / 1e9) < 1e-6, f"{phase}: {seconds} s instead of {total} ns")
    l1.require(found.value("libvirt_cpr_whole_pause_seconds_count", domain=guest.name) == 2,
               "the pauses were not counted")
    counts = [found.value(f"libvirt_cpr{name}_domains") for name in ("", "_outdated", "_unknown", "_unsupported")]
    l1.require(counts == [2, 1, 0, 1], f"other domains: {counts}")
    # It went to the next QEMU, and the first one is still configured.
    l1.require(found.value("libvirt_cpr_domain_outdated", domain=guest.name) == 1 and
               found.value("libvirt_cpr_domain_outdated", domain="blocked") == 0, "others are outdated")
    info = found.labels_of("libvirt_cpr_domain_info", domain=guest.name)
    l1.require(info["binary"] == str(qemu.NEXT_QEMU) and info["version"] == done["new"]["version"] and
               info["uuid"] == guest.virsh("domuuid").strip(), f"it runs on {info}")


def check_counters(l1, guest):
    """They outlive libvirt's daemon, and count on with an update that the same call makes."""
    l1.restart_libvirt()
    l1.run("virt-cpr-emulators", "set", qemu.EMULATOR.name, qemu.NEXT_QEMU)
    found = metrics(l1, "--all", "--json", check=False)
    l1.require(found.value("libvirt_cpr_updates_total", domain=guest.name, status="completed") == 2 and
               found.value("libvirt_cpr_updates_total", domain="blocked", status="failed") == 1,
               "the updates of the same call were not counted")
    l1.require(found.value("libvirt_cpr_outdated_domains") == 1, "the blocked guest is not outdated")
    # A package's upgrade: another file by the same name.
    upgraded = qemu.NEXT_QEMU.with_suffix(".new")
    shutil.copy2(qemu.NEXT_QEMU, upgraded)
    upgraded.rename(qemu.NEXT_QEMU)
    l1.require(metrics(l1).value("libvirt_cpr_domain_outdated", domain=guest.name) == 1,
               "after an upgrade the guest is not outdated")


def check_without_journal(l1, guest):
    """syslog; nothing; and a journal that hangs."""
    daemon = Listener(l1, SYSLOG, parse_syslog)
    report = update(guest)
    l1.wait_until(lambda: len(daemon.entries) >= len(PHASES) + 2, 20, "the lines of syslog")
    daemon.stop()
    l1.require(not daemon.wrong, f"not syslog's: {daemon.wrong}")
    subject = f"update {report['job-id']} of domain '{guest.name}'"
    l1.require(all(priority == LOCAL_DAEMON + INFO and program == CONTROLLER and text.startswith(subject)
                   for priority, program, text in daemon.entries), f"other lines: {daemon.entries}")
    l1.require(update(guest)["status"] == "completed", "without a journal the update failed")
    hanging = Journal(l1, reads=False)
    reports = [update(guest) for _ in range(3)]
    l1.require([each["status"] for each in reports] == ["completed"] * 3, "a journal that hangs is in the way")
    hanging.go_on()
    for each in reports:
        hanging.of_job(guest, each["job-id"], len(PHASES) + 2)
    hanging.stop()


def run(l1):
    """Three domains: one that can be updated, one that is refused, one that is none of ours."""
    qemu.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    blocked = Domain(l1, qemu.EMULATOR, name="blocked", memory_mib=32, devices=(), shared_memory=False,
                     arguments=MONITOR)
    stranger = Domain(l1, qemu.STOCK_QEMU, name="stranger", memory_mib=32, devices=(), shared_memory=False)
    for idle in (blocked, stranger):
        l1.virsh("start", "--paused", idle.name)
    done, back = check_journal(l1, guest, blocked)
    check_metrics(l1, guest, done, back)
    check_counters(l1, guest)
    check_without_journal(l1, guest)
    guest.wait_for_io(20, job="io-vda")
    guest.require_no_complaints()
    # They are the process's, as a counter's may be.
    guest.virsh("destroy")
    l1.require(metrics(l1).value("libvirt_cpr_domains") == 1, "a domain that is gone is counted")
    l1.virsh("start", "--paused", guest.name)
    l1.require(metrics(l1).value("libvirt_cpr_updates_total", domain=guest.name, status="completed") == 0,
               "the counters do not begin anew")
    l1.require(job(guest)["job-id"] == 0, "the jobs do not begin anew")

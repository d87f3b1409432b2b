# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest is updated by `virsh` in every manner that virsh has: options, strings, typed, completed; and in German."""

import json
import os
import pathlib

from lib import german, qemu
from lib.domain import Domain
from lib.german import require_german
from lib.update import FRONT_END, TOOL, Update, job

TIMEOUT_S = 240
QEMU_BACKEND = True
IN_CONTAINER = True

LINK = pathlib.Path("/usr/local/bin/virsh")
URI = "qemu:///system"


class Updates:
    """Updates of the guest to and fro between two files of QEMU's."""

    def __init__(self, guest):
        self.guest = guest
        self.next, self.other = str(qemu.NEXT_QEMU), str(qemu.STOCK_QEMU)

    def target(self):
        """The file that is the next one's."""
        self.next, self.other = self.other, self.next
        return self.other

    def require_done(self, how, run):
        """The function, called with the command's words, has updated the guest; returns what it does."""
        l1, generation = self.guest.l1, job(self.guest)["generation"]
        binary = self.target()
        result = run(f"update-in-place {self.guest.name} {binary}")
        last = job(self.guest)
        l1.require(last["status"] == "completed" and last["generation"] == generation + 1 and
                   last["new"]["binary"] == binary, f"{how}: no update was done: {last}")
        return result


def typed(l1, text):
    """What a session of virsh shows whose commands come from standard input."""
    path = pathlib.Path("/tmp/typed")
    path.write_text(text, encoding="utf-8")
    return l1.run("sh", "-c", f"virsh -c {URI} <{path}", timeout=120).stdout


def speak_german(l1, guest, updates):
    """Success, wrong use, refusals by tool, library and libvirt, and help."""
    name = guest.name
    said = require_german(l1, "update", "virsh", "update-in-place", name, updates.target(),
                          "--verbose", status=0)
    l1.require("an Ort und Stelle" in said or "aktualisiert" in said, f"no success was told: {said}")
    require_german(l1, "wrong use", "virsh", "update-in-place")
    require_german(l1, "unknown option", "virsh", "update-in-place", name, "--nosuch")
    require_german(l1, "two things at a time", "virsh", "update-in-place", name, "--wait", "--abort")
    require_german(l1, "unknown domain", "virsh", "update-in-place", "g999")
    require_german(l1, "policy", "virsh", "update-in-place", name, "--policy", status=0)
    require_german(l1, "last update", "virsh", "update-in-place", name, "--info", status=0)
    require_german(l1, "help", "virsh", "help", "update-in-place", status=0)


def be_refused_in_german(l1, guest, updates):
    """Errors and blockers of the controller, which does not know who asks in which language."""
    name = guest.name
    require_german(l1, "no QEMU", "virsh", "update-in-place", name, "/bin/true",
                   parts=("»/bin/true« ist nach seiner Antwort auf --version kein QEMU",))
    # The names of states are the same in every language.
    rows = l1.run(*german.ENVIRONMENT, "virsh", "update-in-place", name, "--info", timeout=90).stdout
    l1.require("Fehler:          »/bin/true« ist nach seiner Antwort" in rows, f"its row: {rows}")
    require_german(l1, "no file", "virsh", "update-in-place", name, "/nonexistent",
                   parts=("»/nonexistent« lässt sich nicht öffnen: ",))
    require_german(l1, "wrong mode", "virsh", "update-in-place", name, updates.other, "--mode", "exec",
                   parts=("die Domain wurde nicht für Aktualisierungen in der Art exec gestartet",))
    guest.virsh("qemu-monitor-command", "--hmp", "mouse_move 1 1")
    require_german(l1, "blocker", "virsh", "update-in-place", name, "--check",
                   parts=("Hindernis qemu-human-monitor: der Gast wurde durch den Befehl »mouse_move«",
                          "den Gast herunterfahren und neu starten"))
    told = json.loads(l1.run(*german.ENVIRONMENT, "virsh", "update-in-place", name, "--info", "--json",
                             timeout=90).stdout)
    l1.require(told["blockers"][0]["reason"] == "the guest was changed by the human monitor's command "
               "'mouse_move'", f"JSON is not English: {told}")


def run(l1):
    """Opt in, then each manner in turn."""
    qemu.set_up(l1)
    german.set_up(l1)
    guest = Domain(l1, qemu.EMULATOR, jobs=["io@vda"], devices=(), shared_memory=False,
                   virtio=[qemu.disk(l1, "vda")])
    guest.start()
    guest.wait_for_io(20, job="io-vda")
    LINK.symlink_to(FRONT_END)
    os.environ["PATH"] = f"{LINK.parent}:{os.environ['PATH']}"
    updates = Updates(guest)

    Update(guest, updates.target(),
           command=("virsh", "-c", URI, "--quiet", "-t", "update-in-place", "--verbose"))
    # virsh takes one argument as a string of commands.
    done = updates.require_done("string", lambda words: l1.run(
        "virsh", f"uri; {words}; domstate {guest.name}", timeout=90))
    said = done.stdout.split()
    l1.require(said[0] == URI and "updated" in said and said[-1] == "running",
               f"not as one after the other: {done.stdout}")
    shown = updates.require_done("session", lambda words: typed(
        l1, f"suspend {guest.name}\nresume {guest.name}; {words}; domstate {guest.name}\n"
            f"update-in-place {guest.name} --history\nhelp domain\n"))
    for text in (f"Domain '{guest.name}' updated in place", "\nrunning\n", "Generation",
                 "    update-in-place  "):
        l1.require(text in shown, f"the session did not say '{text}': {shown}")
    history = l1.run("virsh", "update-in-place", guest.name, "--history").stdout
    l1.require(history.strip() == l1.run(TOOL, "--history", guest.name).stdout.strip(),
               "virsh tells of another history than the tool")

    for option, text in (("--set-policy=allowed=no", "Policy"), ("--policy", "no"),
                         ("--set-policy=default", "Policy"), ("--info", "Status:"),
                         ("--check", "can be updated"), ("--enable --print-xml", "<domain")):
        said = l1.run("virsh", "update-in-place", guest.name, *option.split()).stdout
        l1.require(text in said, f"{option}: {said}")
    l1.require("update-in-place" in l1.run("virsh", "complete", "--", "update-i").stdout,
               "the command is not completed")
    l1.require(guest.name in l1.run("virsh", "complete", "--", "update-in-place", guest.name[:2]).stdout,
               "the domain is not completed")
    speak_german(l1, guest, updates)
    be_refused_in_german(l1, guest, updates)
    guest.wait_for_io(20, job="io-vda")
    guest.require_no_complaints()

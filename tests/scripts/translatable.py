# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which sources have texts for translators, and which of their texts xgettext finds."""
import pathlib
import re
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
PO = TOP / "po"

# What tools and library show themselves, and what a job's error or a blocker can bring to them.
SHOWN = ("src/tools", "src/client")
SENT = ("src/base", "src/qmp", "src/state", "src/controller", "src/vmm")

# Of the latter, what stays on the domain's host.
NOT_SENT = {
    "src/controller/client_session": "QEMU's own errors, for any client of the monitor",
    "src/controller/command_line": "a domain's start",
    "src/controller/controller_main": "a domain's start",
    "src/controller/emulator_main": "a domain's start",
    "src/controller/exec_guard": "the log",
    "src/controller/job_log": "the log",
    "src/controller/launch": "a domain's start",
    "src/controller/qemu/exec_prefix": "in QEMU's process, whose words are no text of ours",
    "src/controller/qemu_exec_main": "in QEMU's process",
    "src/vmm/acpi/": "a domain's start",
    "src/vmm/core/boot": "a domain's start",
    "src/vmm/core/bzimage": "a domain's start",
    "src/vmm/core/vcpu_group": "the log",
    "src/vmm/device/catalog": "a list of QEMU's form, for libvirt",
    "src/vmm/main": "a domain's start",
    "src/vmm/monitor/": "QEMU's commands, and a domain's start",
    "src/vmm/sandbox/": "a domain's start",
}
SENT_THOUGH = ("src/vmm/monitor/cpr_commands",)


def sources(folders):
    files = [file for folder in folders for pattern in ("*.cc", "*.h")
             for file in sorted((TOP / folder).rglob(pattern))]
    assert files, folders
    return [str(file.relative_to(TOP)) for file in files]


def is_sent(name):
    return name.startswith(SENT_THOUGH) or not name.startswith(tuple(NOT_SENT))


def extracted(files):
    """The template that xgettext makes of these files, as `make -C po update-po` has it do."""
    options = re.search(r"^XGETTEXT_OPTIONS = ((?:.*\\\n)*.*)$", (PO / "Makevars").read_text(),
                        re.MULTILINE)
    with tempfile.NamedTemporaryFile(suffix=".pot") as template:
        # Its warnings are about the digit separators of C++.
        subprocess.run(["xgettext", *options.group(1).replace("\\\n", " ").split(), "-D", str(TOP),
                        "-o", template.name, "-f", "-"], input="\n".join(files), text=True,
                       check=True, stderr=subprocess.DEVNULL)
        return pathlib.Path(template.name).read_text()

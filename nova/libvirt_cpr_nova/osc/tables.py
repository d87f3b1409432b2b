# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows and columns of what the agents tell."""
from osc_lib.cli import format_columns

INSTANCE_COLUMNS = ("Host", "Server ID", "Name", "VMM Version", "State", "Details")
INSTANCE_COLUMNS_LONG = INSTANCE_COLUMNS + ("Project ID", "Generation", "Blockers")
RESULT_COLUMNS = ("Server ID", "Name", "Result", "Old Version", "New Version", "Pause (ms)", "Details")
JOB_COLUMNS = ("ID", "Action", "Server ID", "Status", "Created At", "Finished At")


def instance_row(host, vmm, long=False):
    """One line of the list of VMMs."""
    row = (host, vmm["server_id"], vmm["name"], vmm["version"], vmm["state"],
           details(vmm["message"], vmm["remedy"], vmm["blockers"]))
    return row + (vmm["project_id"], vmm["generation"], blocker_ids(vmm["blockers"])) if long else row


def result_row(instance):
    """One line of a job's results; while it is under way, of its steps."""
    return (instance["server_id"], instance["name"], instance["result"] or instance["step"], instance["old_version"],
            instance["new_version"], instance["pause_ms"], details(instance["message"], None, instance["blockers"]))


def job_row(job):
    """One line of the list of jobs."""
    return (job["id"], job["action"], job["server_id"], job["status"], job["created_at"], job["finished_at"])


def blocker_ids(blockers):
    """The ids of blockers, as a list for people or for programs."""
    return format_columns.ListColumn([blocker["id"] for blocker in blockers])


def details(message, remedy, blockers):
    """What there is to say, with its remedies."""
    parts = [message] if message and not blockers else []
    parts += [f"blocker {blocker['id']}: {blocker['reason']} (remedy: {blocker['remedy']})" for blocker in blockers]
    if remedy:
        parts.append(f"remedy: {remedy}")
    return "; ".join(parts)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host's own tools say of its domains, as data: virsh, virt-update-in-place and virt-cpr-emulators."""

import json
import re

# Of virDomainState and the reasons of each; what is not named is told by its number.
RUNNING, PAUSED, SHUT_OFF, CRASHED, SLEEPING = 1, 3, 5, 6, 7
STATES = {0: "no state", RUNNING: "running", 2: "blocked", PAUSED: "paused", 4: "in shutdown", SHUT_OFF: "shut off",
          CRASHED: "crashed", SLEEPING: "suspended by its guest"}
REASONS = {
    PAUSED: {1: "by somebody", 2: "migration", 3: "save", 4: "dump", 5: "I/O error", 6: "watchdog", 10: "crashed",
             14: "API error"},
    SHUT_OFF: {1: "shutdown", 2: "destroyed", 3: "crashed", 4: "migrated", 5: "saved", 6: "failed", 8: "daemon"},
}
# How a domain ends that somebody has ended, on the host or in the guest.
ENDED_BY_SOMEBODY = {1, 2, 4, 5}
UNUSABLE = "(not usable)"


def parse_domstats(text):
    """Domains by name, each with its state and reason, out of `virsh domstats --state`."""
    found = re.findall(r"^Domain: '(.*)'\n\s+state\.state=(\d+)\n(?:\s+state\.reason=(\d+)\n?)?", text + "\n", re.M)
    return {name: {"state": int(state), "reason": int(reason or 0)} for name, state, reason in found}


def describe(domain):
    """State and reason for a reader."""
    state, reason = domain["state"], domain["reason"]
    word = REASONS.get(state, {}).get(reason)
    return STATES.get(state, "state %d" % state) + (", %s" % word if word else "")


def is_going(domain):
    """Whether the guest runs, or sleeps of its own accord."""
    return domain["state"] in (RUNNING, SLEEPING)


def compare(before, after):
    """What became of the guests that ran before: those that stand still or have crashed, and those that somebody has
    ended. Of a domain that is not defined any more nobody can say which."""
    stopped, gone = [], []
    for name in sorted(name for name, domain in before.items() if is_going(domain)):
        now = after.get(name)
        if now is None:
            gone.append("%s (not defined any more)" % name)
        elif now["state"] == SHUT_OFF and now["reason"] in ENDED_BY_SOMEBODY:
            gone.append("%s (%s)" % (name, describe(now)))
        elif not is_going(now):
            stopped.append("%s (%s)" % (name, describe(now)))
    return {"stopped": stopped, "gone": gone}


def parse_metrics(text):
    """Of `virt-update-in-place --metrics`: which domains are up to date and which are not, and how many can tell
    nothing or cannot be updated."""
    count = {name: int(value) for name, value in re.findall(r"^libvirt_cpr_(\w+) (\d+)$", text, re.M)}
    told = re.findall(r'^libvirt_cpr_domain_outdated\{domain="((?:[^"\\]|\\.)*)"\} ([01])$', text, re.M)
    plain = [(re.sub(r"\\(.)", r"\1", name), value == "1") for name, value in told]
    return {"outdated": [name for name, outdated in plain if outdated],
            "current": [name for name, outdated in plain if not outdated],
            "unknown": count["unknown_domains"], "unsupported": count["unsupported_domains"]}


def parse_emulators(text):
    """The emulator programs of `virt-cpr-emulators list` that can be used, with the binary behind each."""
    rows = re.findall(r"^ (\S+) +(\S.*?) +(/.*)$", text, re.M)
    return {name: binary for name, version, binary in rows if version != UNUSABLE}


def blocker_text(blocker):
    """A blocker for a reader."""
    return "blocker %s: %s (remedy: %s)" % (blocker.get("id"), blocker.get("reason"), blocker.get("remedy"))


def reason_of(job):
    """Why a job was no success."""
    blockers = job.get("blockers") or []
    if blockers:
        return "; ".join(map(blocker_text, blockers))
    return job.get("error", {}).get("desc") or "it ended as '%s'" % job.get("status")


def result_of(job):
    """One domain's line of `virt-update-in-place --json`, shortened."""
    status = job.get("status")
    result = {"domain": job["domain"], "result": {"completed": "done", "failed": "refused"}.get(status, status)}
    if status is None:
        result["result"] = "not begun" if job.get("error", {}).get("desc") == "not begun" else "failed"
    for side in ("old", "new"):
        if job.get(side, {}).get("version"):
            result[side] = job[side]["version"]
    if "pause" in job:
        result["pause_ms"] = round(job["pause"]["total-ns"] / 1e6, 1)
    if result["result"] != "done":
        result["why"] = reason_of(job)
    return result


def parse_results(text, domains, complaint):
    """What came of each of the domains, out of `virt-update-in-place --json`; `complaint` is what it said of those that
    it has no line for."""
    told = {job["domain"]: result_of(job) for job in map(json.loads, filter(str.strip, text.splitlines()))}
    lines = [re.sub("^error: ", "", line.strip()) for line in complaint.splitlines() if line.strip()]
    reason = ": ".join(lines) or "virt-update-in-place said nothing of it"
    return [told.get(name, {"domain": name, "result": "failed", "why": reason}) for name in domains]


def failures_of(results):
    """Those that were tried in vain."""
    return [result for result in results if result["result"] not in ("done", "not begun", "gone")]


def describe_failures(results):
    """The failures for a reader."""
    return "; ".join("domain '%s' %s: %s" % (result["domain"], result["result"], result["why"])
                     for result in failures_of(results))

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests that got no answer: they may take effect later, when all seems to be undone.

A record (jobs.Instance, jobs.ServiceHold) has in `unanswered` when the last of them was sent.
"""
import contextlib
import time

from libvirt_cpr_nova import errors


@contextlib.contextmanager
def remembered(record, write):
    """Around a request: `write` keeps the record before it is sent."""
    earlier, record.unanswered = record.unanswered, time.time()
    write()
    try:
        yield
    except (errors.Denied, errors.NotFound):
        record.unanswered = earlier
        raise
    record.unanswered = earlier


def may_come(record, grace):
    """Whether one may still take effect: for `grace` seconds after it was sent."""
    return record.unanswered is not None and 0 <= time.time() - record.unanswered < grace

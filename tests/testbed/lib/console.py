# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reader of a guest's console, with the time at which each line arrived."""

import os
import re
import select
import threading
import time
import tty

# Lines that the guest's jobs (tests/guests/) print at any time.
JOB_LINE = re.compile(r"(tick|io(-\w+)?|smp) ")


class Console:
    """Attached to the guest's pty from its construction to close(). Thread-safe."""

    def __init__(self, l1, path, log_path):
        self.l1 = l1
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        tty.setraw(self.descriptor)
        self.lines = []  # (CLOCK_MONOTONIC in ns, text)
        self.ended = False
        self.changed = threading.Condition()
        self.log = open(log_path, "w", encoding="utf-8")
        self.wake_read, self.wake_write = os.pipe()
        self.thread = threading.Thread(target=self.read_lines, daemon=True)
        self.thread.start()

    def read_lines(self):
        """Body of the reader's thread."""
        rest = b""
        while True:
            ready, _, _ = select.select([self.descriptor, self.wake_read], [], [])
            if self.wake_read in ready:
                return
            try:
                data = os.read(self.descriptor, 65536)
            except OSError:
                data = b""
            arrival = time.monotonic_ns()
            if not data:
                with self.changed:
                    self.ended = True
                    self.changed.notify_all()
                return
            *complete, rest = (rest + data).split(b"\n")
            texts = [line.decode("utf-8", "replace").rstrip("\r") for line in complete]
            for text in texts:
                self.log.write(f"{arrival / 1e9:.6f} {text}\n")
            self.log.flush()
            with self.changed:
                self.lines += [(arrival, text) for text in texts]
                self.changed.notify_all()

    def close(self):
        """Detach."""
        os.write(self.wake_write, b"x")
        self.thread.join()
        for descriptor in (self.descriptor, self.wake_read, self.wake_write):
            os.close(descriptor)
        self.log.close()

    def send(self, text):
        """Type a line at the guest's shell."""
        os.write(self.descriptor, text.encode() + b"\n")

    def position(self):
        """Number of lines so far: a place to search from."""
        with self.changed:
            return len(self.lines)

    def snapshot(self, since=0):
        """The lines from position `since` on."""
        with self.changed:
            return self.lines[since:]

    def wait_for(self, pattern, seconds, since=0):
        """Wait for a line that matches and return the match, which gets the line's time as
        `arrival`, and its position, by a tuple (match, arrival, position)."""
        expression = re.compile(pattern)
        end = time.monotonic() + seconds * self.l1.slow
        with self.changed:
            while True:
                while since < len(self.lines):
                    arrival, text = self.lines[since]
                    since += 1
                    found = expression.search(text)
                    if found:
                        return found, arrival, since
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    break
                self.changed.wait(left)
        last = self.lines[-1][1] if self.lines else "nothing"
        self.l1.require(False, f"no line '{pattern}' on the console within {seconds} s "
                               f"(the last line is '{last}')")
        return None

    def command(self, text, seconds=30):
        """Run a command in the guest's shell; returns (exit status, lines of output without
        those of the guest's jobs)."""
        begin = self.position()
        token = f"{begin}-{time.monotonic_ns()}"
        # What came before the first mark, such as the shell's banner, is not the command's.
        self.send(f"echo begin-{token}; {text}; echo done-{token} $?")
        found, _, end = self.wait_for(rf"^done-{token} (\d+)$", seconds, begin)
        output = [line for _, line in self.snapshot(begin)[:end - begin - 1]]
        if f"begin-{token}" in output:
            output = output[output.index(f"begin-{token}") + 1:]
        return int(found.group(1)), [line for line in output if not JOB_LINE.match(line)]

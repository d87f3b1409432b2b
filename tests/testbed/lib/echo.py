# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users of a guest's serial lines and channels, who notice each byte that is lost or comes twice."""

import os
import select
import socket
import termios
import threading
import time
import tty

# A guest under an emulated processor, in the middle of an update.
SECONDS = 60
SIZE = 48


class Echo:
    """Sends numbered lines to something that sends them back, one at a time, from its construction
    to stop(). What happens to it in between is in `problem`."""

    def __init__(self, name, descriptor):
        self.name = name
        self.descriptor = descriptor
        self.count = 0
        self.problem = None
        self.ending = False
        self.thread = threading.Thread(target=self.exchange, daemon=True)
        self.thread.start()

    @classmethod
    def at_pty(cls, name, path):
        """A user of a pseudo terminal."""
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        tty.setraw(descriptor)
        termios.tcflush(descriptor, termios.TCIOFLUSH)
        return cls(name, descriptor)

    @classmethod
    def at_socket(cls, name, address):
        """A client of a path or of (host, port)."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        client = socket.socket(family)
        client.connect(address)
        return cls(name, client.detach())

    def exchange(self):
        """Body of the thread."""
        try:
            while not self.ending and self.problem is None:
                line = f"{self.name} {self.count:08} ".encode().ljust(SIZE, b".") + b"\n"
                os.write(self.descriptor, line)
                self.read_back(line)
                self.count += 1
            # what comes now, nobody has asked for
            if self.problem is None and select.select([self.descriptor], [], [], 1)[0]:
                self.problem = f"something came twice: {os.read(self.descriptor, 4096)}"
        except OSError as error:
            self.problem = str(error)

    def read_back(self, line):
        """The line, all of it and nothing else."""
        got = b""
        end = time.monotonic() + SECONDS
        while len(got) < len(line):
            if not select.select([self.descriptor], [], [], max(0, end - time.monotonic()))[0]:
                self.problem = f"{len(line) - len(got)} bytes of line {self.count} are lost: {got}"
                return
            more = os.read(self.descriptor, 4096)
            if not more:
                self.problem = f"end of file after {self.count} lines"
                return
            got += more
        if got != line:
            self.problem = f"line {self.count} came back as {got}"

    def require_running(self, l1):
        """Fail if anything has gone wrong, or if nothing goes on."""
        before = self.count
        l1.wait_until(lambda: self.problem or self.count > before + 3, SECONDS,
                      f"bytes to go through {self.name}")
        l1.require(self.problem is None, f"{self.name}: {self.problem}")

    def stop(self, l1):
        """To the last byte."""
        self.ending = True
        self.thread.join()
        os.close(self.descriptor)
        l1.require(self.problem is None, f"{self.name}: {self.problem}")
        l1.log(f"{self.name}: {self.count} lines there and back")

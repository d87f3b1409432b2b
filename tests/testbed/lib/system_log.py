# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other end of the host's log: what journald or a syslog daemon gets."""

import os
import pathlib
import re
import select
import socket
import struct
import threading

JOURNAL = pathlib.Path("/run/systemd/journal/socket")
SYSLOG = pathlib.Path("/dev/log")
LENGTH = struct.Struct("<Q")


def parse_entry(data):
    """An entry of journald's native protocol: each field's values, by its name."""
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = LENGTH.unpack_from(rest)
            value = rest[LENGTH.size:LENGTH.size + length]
            after = rest[LENGTH.size + length:]
            if len(value) != length or after[:1] != b"\n":
                raise ValueError(f"field {name!r} is torn")
            rest = after[1:]
        fields.setdefault(name.decode("ascii"), []).append(value.decode())
        data = rest
    return fields


def parse_syslog(data):
    """Priority, program and text of a line of syslog(3)."""
    found = re.fullmatch(r"<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d ([\w-]+): (.*)", data.decode().rstrip("\0\n"))
    if not found:
        raise ValueError(f"no line of syslog's: {data!r}")
    return int(found.group(1)), found.group(2), found.group(3)


class Listener:
    """A daemon at one of the sockets above, from now on. Without `reads` it is one that hangs."""

    def __init__(self, l1, path, parse, reads=True):
        self.path = path
        self.parse = parse
        self.entries = []
        self.wrong = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        os.chmod(path, 0o666)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        if reads:
            self.thread.start()
        l1.on_clean_up(self.stop)

    def read(self):
        """What arrives, up to the end."""
        while not self.ending.is_set():
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            data = self.socket.recv(1 << 20)
            try:
                self.entries.append(self.parse(data))
            except ValueError as error:
                self.wrong.append(str(error))

    def go_on(self):
        """The daemon that hung reads what has come."""
        self.thread.start()

    def stop(self):
        """The daemon is gone, with its socket."""
        if self.ending.is_set():
            return
        self.ending.set()
        if self.thread.ident:
            self.thread.join()
        self.socket.close()
        self.path.unlink()

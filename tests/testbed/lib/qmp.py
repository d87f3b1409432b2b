# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of a QMP monitor that knows when each event was."""

import json
import socket
import threading
import time

from .l1 import Failure

RETRY_S = 0.001


class QmpClient:
    """Connected, greeted and negotiated from construction on; to close()."""

    def __init__(self, path, seconds):
        self.buffer = b""
        self.events = []
        self.answers = []
        self.ended = False
        self.changed = threading.Condition()
        end = time.monotonic() + seconds
        while not self.connect(path, end):
            time.sleep(RETRY_S)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self, path, end):
        """Whether the monitor listens and answers. One that is about to execute another program may
        take a connection and drop it."""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(max(end - time.monotonic(), RETRY_S))
        try:
            self.socket.connect(path)
            if self.read_line():
                self.socket.sendall(b'{"execute": "qmp_capabilities"}')
                if self.read_line():
                    self.socket.settimeout(None)
                    return True
        except (ConnectionError, FileNotFoundError, TimeoutError):
            pass
        self.socket.close()
        if time.monotonic() >= end:
            raise Failure(f"no monitor answers at {path}")
        return False

    def read_line(self):
        """The next message, or None at the end."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def run(self):
        """Body of the reader's thread."""
        while True:
            try:
                message = self.read_line()
            except OSError:
                message = None
            with self.changed:
                if message is None:
                    self.ended = True
                elif "event" in message:
                    self.events.append(message)
                else:
                    self.answers.append(message)
                self.changed.notify_all()
            if message is None:
                return

    def call(self, command, **arguments):
        """What the command returns."""
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.socket.sendall(json.dumps(request).encode())
        with self.changed:
            self.changed.wait_for(lambda: self.answers or self.ended, 60)
            if not self.answers:
                raise Failure(f"no answer to {command}")
            answer = self.answers.pop(0)
        if "return" not in answer:
            raise Failure(f"{command} failed: {answer}")
        return answer["return"]

    def moment(self, name, seconds=60, **data):
        """When QEMU sent the first such event, in ns of CLOCK_REALTIME; waits for it. It is read later, the more so
        of two QEMUs on a busy machine."""
        def found():
            return [event["timestamp"] for event in self.events if event["event"] == name
                    and data.items() <= event.get("data", {}).items()]
        with self.changed:
            if not self.changed.wait_for(lambda: found() or self.ended, seconds) or not found():
                raise Failure(f"event {name} {data} did not come: {self.events}")
            return found()[0]["seconds"] * 1_000_000_000 + found()[0]["microseconds"] * 1000

    def close(self):
        """Disconnect."""
        self.socket.close()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viewers of a guest's VNC display (RFC 6143)."""

import socket
import struct
import threading
import time

from .l1 import Failure

VERSION = b"RFB 003.008\n"
NO_SECURITY = 1
FIRST_PORT = 5900
# How long a display may take to say something.
SECONDS = 20


def address_of(display):
    """(host, port) of what `virsh vncdisplay` says."""
    host, number = display.rsplit(":", 1)
    return host, FIRST_PORT + int(number)


class Viewer:
    """Connected from its construction, as far as pictures."""

    def __init__(self, address=None, connected=None):
        """To an address, or by a socket that is connected already."""
        self.socket = connected or socket.create_connection(address, timeout=SECONDS)
        self.socket.settimeout(SECONDS)
        self.port = None if connected else str(self.socket.getsockname()[1])
        if self.read(len(VERSION)) != VERSION:
            raise Failure("what answers at the display's address speaks no RFB")
        self.socket.sendall(VERSION)
        kinds = self.read(self.read(1)[0])
        if NO_SECURITY not in kinds:
            raise Failure(f"the display wants a password: {kinds}")
        self.socket.sendall(bytes([NO_SECURITY]))
        if self.read(4) != bytes(4):
            raise Failure("the display refuses the viewer")
        self.socket.sendall(b"\1")  # others may stay
        self.width, self.height = struct.unpack(">HH", self.read(20)[:4])
        self.read(struct.unpack(">I", self.read(4))[0])

    def read(self, size):
        """Exactly so many bytes."""
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise Failure("the display has disconnected the viewer")
            data += more
        return data

    def picture(self):
        """The bytes of the whole screen, as QEMU sends them to one who names no encoding."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        if self.read(1) != b"\0":
            raise Failure("the display answers with something else than a picture")
        data = b""
        for _ in range(struct.unpack(">xH", self.read(3))[0]):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            if encoding != 0:
                raise Failure(f"the display uses encoding {encoding}")
            data += self.read(width * height * 4)
        return data

    def wait_for_end(self):
        """Fail unless the display disconnects this viewer."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        self.close()

    def close(self):
        """Leave."""
        self.socket.close()


class Knocker:
    """Comes and goes all the time, and notes how the display's address answers."""

    def __init__(self, address):
        self.address = address
        self.count = 0
        self.refused = 0
        self.dropped = 0
        self.longest_ns = 0
        self.ending = False
        self.thread = threading.Thread(target=self.knock, daemon=True)
        self.thread.start()

    def knock(self):
        """Body of the thread."""
        while not self.ending:
            begin = time.monotonic_ns()
            try:
                with socket.create_connection(self.address, timeout=SECONDS) as connection:
                    self.dropped += connection.recv(len(VERSION)) != VERSION
            except OSError:
                self.refused += 1
            self.count += 1
            self.longest_ns = max(self.longest_ns, time.monotonic_ns() - begin)
            time.sleep(0.005)

    def stop(self):
        """No more."""
        self.ending = True
        self.thread.join()

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pings a guest all the time, and knows what became of each."""

import secrets
import select
import socket
import struct
import threading
import time

ECHO_REQUEST, ECHO_REPLY = 8, 0
HEADER = struct.Struct("!BBHHH")
IP_HEADER_BYTES = 20
# So long the old QEMU may have the tap device after the guest runs in the new one.
LETTING_GO_S = 0.5


def checksum(data):
    """Of the internet (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Pinger:
    """From construction to stop(). Times are in s of CLOCK_MONOTONIC."""

    def __init__(self, address, interval=0.02):
        self.address = address
        self.interval = interval
        self.identity = secrets.randbelow(1 << 16)
        self.sent = {}
        self.answered = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.lost = []
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Body of the thread."""
        sequence, due = 0, time.monotonic()
        while self.running:
            now = time.monotonic()
            if now >= due:
                due = max(due + self.interval, now)
                sequence += 1
                self.send(sequence)
            ready, _, _ = select.select([self.socket], [], [], max(0, due - time.monotonic()))
            if ready:
                self.receive()

    def send(self, sequence):
        """One request."""
        head = HEADER.pack(ECHO_REQUEST, 0, 0, self.identity, sequence)
        packet = HEADER.pack(ECHO_REQUEST, 0, checksum(head), self.identity, sequence)
        self.sent[sequence] = time.monotonic()
        try:
            self.socket.sendto(packet, (self.address, 0))
        except OSError:
            pass  # it will not be answered

    def receive(self):
        """Whatever has come."""
        data = self.socket.recv(2048)[IP_HEADER_BYTES:]
        kind, _, _, identity, sequence = HEADER.unpack(data[:HEADER.size])
        # One that was sent by an earlier pinger may be answered late.
        if kind == ECHO_REPLY and identity == self.identity and sequence in self.sent:
            self.answered.setdefault(sequence, time.monotonic())

    def lost_outside(self, pause, queues=1):
        """Of the lost ones, those for which the update has no excuse: QEMU, stopped as its guest is,
        takes a packet out of each of the tap device's queues and lets it fall, and may still do so
        until it is told to let go of them."""
        stopped, running = (pause[f"{name}-at-ns"] / 1e9 for name in ("stopped", "running"))
        late = 0
        outside = {}
        for number in self.lost:
            sent = self.sent[number]
            late += running < sent <= running + LETTING_GO_S
            if sent < stopped - self.interval or sent > running + LETTING_GO_S or late > queues:
                outside[number] = f"{sent - stopped:.4f} s from the stop"
        return outside

    def stop(self, patience=2):
        """Note which were not answered; returns the longest way there and back."""
        time.sleep(patience)
        self.running = False
        self.thread.join()
        self.socket.close()
        end = time.monotonic() - patience
        self.lost = [number for number, when in self.sent.items()
                     if number not in self.answered and when < end]
        return max((self.answered[number] - self.sent[number] for number in self.answered),
                   default=0)

# SPDX-License-Identifier: LGPL-2.1-or-later
"""A debugger on a process, which acts in its name: what the process could do in hostile hands."""

import re
import subprocess

PATH_ONLY = 0o10000000  # O_PATH
EMPTY_PATH = 0x1000  # AT_EMPTY_PATH
EXECVEAT = 322


class Debugger:
    """gdb runs that attach to a process, do something and detach again."""

    def __init__(self, l1, pid):
        self.l1 = l1
        self.pid = pid

    def argv(self, commands):
        """gdb with these commands; the kicks of vCPU threads do not stop it."""
        argv = ["gdb", "-p", str(self.pid), "-batch", "-ex", "handle SIGUSR1 nostop noprint pass"]
        for command in commands:
            argv += ["-ex", command]
        return argv

    def calls(self, wanted):
        """(result, errno) of each system call that the first thread makes, all in one run. One is
        (arguments, file); with a file, an argument $file is a descriptor of it."""
        commands = []
        for arguments, file in wanted:
            if file:
                commands.append(f'set $file = (int) open("{file}", {PATH_ONLY})')
            commands += [f"set $result = (long) syscall({', '.join(str(a) for a in arguments)})",
                         'printf "came to %ld %d\\n", $result, *(int *) __errno_location()']
        text = self.l1.run(*self.argv(commands), check=False, timeout=120).stdout
        found = re.findall(r"^came to (-?\d+) (\d+)$", text, re.MULTILINE)
        self.l1.require(len(found) == len(wanted), "the debugger could not make the calls")
        return [(int(result), int(error)) for result, error in found]

    def swap_program(self, file):
        """In the background: the next program that the process executes by a descriptor is that
        file instead. Returns gdb's process, which has attached."""
        commands = [f'set $file = (int) open("{file}", {PATH_ONLY})', "break execveat",
                    'printf "attached\\n"', "continue", "set $rdi = $file", "delete", "detach"]
        log = (self.l1.share / "swap-program.log").open("w+b")
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(self.argv(commands), stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT)
        def attached():
            self.l1.require(process.poll() is None, "the debugger ended")
            return b"\nattached" in (self.l1.share / "swap-program.log").read_bytes()
        self.l1.wait_until(attached, 60, "the debugger to attach")
        return process

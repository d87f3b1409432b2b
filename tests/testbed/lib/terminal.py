# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal with a shell, by tmux, and what is on its screen."""

import re

COLUMNS, LINES = 72, 60
PROMPT = "#"
NAME = "screen"


class Terminal:
    """A shell of root's that is typed to."""

    def __init__(self, l1):
        self.l1 = l1
        self.commands = 0
        self.tmux("new-session", "-d", "-s", NAME, "-x", str(COLUMNS), "-y", str(LINES), "env PS1='# ' sh")
        self.wait_for_prompt(60)

    def tmux(self, *arguments):
        """A command of tmux's; what it prints."""
        # without settings of anybody's
        return self.l1.run("tmux", "-f", "/dev/null", *arguments).stdout

    def lines(self):
        """What is on the screen."""
        return self.tmux("capture-pane", "-p", "-t", NAME).rstrip().split("\n")

    def wait_for_prompt(self, seconds):
        """Until the shell asks for the next command."""
        def asks():
            lines = self.lines()
            prompts = [line for line in lines if re.match(rf"{PROMPT}( |$)", line)]
            return len(prompts) == self.commands + 1 and lines[-1] == PROMPT
        self.l1.wait_until(asks, seconds, "the shell's prompt")

    def type(self, command, seconds=90):
        """Type a command, and wait for its end."""
        self.tmux("send-keys", "-t", NAME, "-l", command)
        self.tmux("send-keys", "-t", NAME, "Enter")
        self.commands += 1
        self.wait_for_prompt(seconds)

    def close(self):
        """End it; what was on the screen up to the last prompt, without empty lines around it."""
        lines = self.lines()[:-1]
        self.tmux("kill-session", "-t", NAME)
        return "\n".join(lines).strip("\n") + "\n"

"""Runs a program at a terminal of its own and answers what it asks.

usage: terminal.py PROGRAM ARGUMENT…   with JSON on standard input: [["what the screen must show", "the answer"], …]
Prints what the terminal showed, and ends as the program did.
"""

import json
import os
import pty
import select
import sys
import time

PATIENCE = 60


def main():
    answers = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    shown, seen, ends = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if select.select([terminal], [], [], 1)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # how Linux tells that the other end is gone
                more = b""
            if not more:
                break
            shown += more
        if answers and answers[0][0].encode() in shown[seen:]:
            seen = len(shown)
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()

"""Runs a program at a terminal of its own and answers what it asks.

usage: terminal.py PROGRAM ARGUMENT…   with JSON on standard input: [["what the screen must show", "the answer", whether it is secret], …]
A secret is typed once the terminal no longer echoes; the answers "^C" and "^D" are those keys, and no lines. Prints what the terminal showed, and ends as the program did.
"""

import json
import os
import pty
import select
import sys
import termios
import time

PATIENCE = 60
KEYS = {"^C": b"\x03", "^D": b"\x04"}


def echoes(terminal):
    return termios.tcgetattr(terminal)[3] & termios.ECHO


def typed(answer):
    return KEYS.get(answer) or answer.encode() + b"\n"


def main():
    answers = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    shown, seen, ends = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # how Linux tells that the other end is gone
                more = b""
            if not more:
                break
            shown += more
        if answers and answers[0][0].encode() in shown[seen:] and not (answers[0][2] and echoes(terminal)):
            seen = len(shown)
            os.write(terminal, typed(answers.pop(0)[1]))
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()

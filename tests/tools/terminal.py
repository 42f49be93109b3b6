#!/usr/bin/env python3
"""Run a command on a terminal of its own: terminal.py ANSWER... -- COMMAND...

An answer is typed when the program's output ends with ": ".  The output of the
terminal goes to standard output; the exit code is that of the command.
"""
import os
import pty
import sys

split = sys.argv.index("--")
answers, command = sys.argv[1:split], sys.argv[split + 1:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
seen = 0
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if answers and shown.endswith(b": ") and len(shown) > seen:
        seen = len(shown)
        os.write(fd, answers.pop(0).encode() + b"\n")
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(status))

"""Run a command that ends when the process that started it ends, however that happens. Standard library only.

Run as a script, it becomes the command: `python -I -S parent_death.py SIGNAL PARENT UID GID -- COMMAND...`. A script
and not a `preexec_fn`, because that runs Python between fork and exec: unsafe with threads, and Python 3.12 warns
about it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tethered(
    command: Sequence[str], *, on_parent_death: signal.Signals = signal.SIGKILL, uid: int = -1, gid: int = -1
) -> list[str]:
    """`command`, wrapped so that the kernel sends it `on_parent_death` when the calling *thread* has ended.

    Start it from a thread that lives as long as the child should. `uid` and `gid` of -1 keep the caller's.
    """
    numbers = (int(on_parent_death), os.getpid(), uid, gid)
    return [sys.executable, "-I", "-S", __file__, *map(str, numbers), "--", *command]


def die_with_parent(number: int) -> None:
    """Ask the kernel to send this process signal `number` when its parent ends. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def main(arguments: list[str]) -> None:
    number, parent, uid, gid = (int(text) for text in arguments[:4])
    command = arguments[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # This must come after setuid, which clears it.
    die_with_parent(number)
    if os.getppid() != parent:
        sys.exit(1)  # the parent ended before the kernel knew of our wish
    signal.pthread_sigmask(
        signal.SIG_SETMASK, []
    )  # the supervisor blocks what it fetches; a program must not inherit it
    try:
        os.execvp(command[0], command)  # noqa: S606 - a list, and no shell is the point
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])

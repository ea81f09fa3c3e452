"""A small process that outlives a killed supervisor for a moment, and ends what it had started. Standard library only.

It reads `+<group>` and `-<group>` lines: process groups that began and ended. When its input ends, the supervisor is
gone, however that happened, and every group that is left is killed with all its members. The kernel's parent-death
signal alone (see parent_death.py) would reach the supervisor's children only, not theirs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import IO


def main(lines: IO[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in lines:
        change, group = line[0], int(line[1:])
        groups.add(group) if change == "+" else groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.stdin)

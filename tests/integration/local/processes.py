"""Looking at processes and waiting for them, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def eventually(condition: Callable[[], object], *, within_s: float = 10.0, what: str = "it") -> float:
    """Wait until `condition` holds; gives the seconds that took. Fails the test when the time is over."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < within_s, f"{what} did not happen within {within_s:g} s"
        time.sleep(0.02)
    return time.monotonic() - start


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; one that has ended and only waits to be fetched does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid: int) -> list[int]:
    """Every process that comes from `pid`, nearest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(0), [])
        found += children
        todo += children
    return found

"""One `manage.py up` for each state folder: a second would register its own sample server in the first one's place."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK_FILE = "up.lock"


class AlreadyRunning(Exception):
    """Another `up` uses the state folder. `address` is where it listens, "" when it has not said so yet."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def refuse_a_second(data_dir: Path) -> None:
    """Look, without writing anything.

    Raises:
        AlreadyRunning: another `up` uses `data_dir`.
    """
    if (data_dir / LOCK_FILE).exists():
        os.close(_lock(data_dir / LOCK_FILE))


def be_the_only_one(data_dir: Path, address: str) -> None:
    """Lock the state folder until this process ends, however it ends; the next one to try gets `address`.

    Raises:
        AlreadyRunning: another `up` was faster.
    """
    lock = _lock(data_dir / LOCK_FILE)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{address}\n".encode(), 0)
    # Never closed: the system lets go of it with this process. What is started from here does not inherit it.


def _lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        address = os.pread(lock, 500, 0).decode(errors="replace").strip()
        os.close(lock)
        raise AlreadyRunning(address) from None
    return lock

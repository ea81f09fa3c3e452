"""Outcomes that cannot be stored while Postgres is away: on disk until it is back, also across restarts.

One file for each, below the state folder: a line of JSON, then the final state as received. A worker that reads a file
holds a lock on it, so that several workers of one machine can share the folder; a dead worker's lock is gone with it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from dashboard.runs.leases import Lease
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus

logger = logging.getLogger(__name__)

SUFFIX = ".outcome"


@dataclass(frozen=True)
class Spooled:
    """An outcome on disk, locked by this process until `close()` or `remove()`."""

    path: Path
    descriptor: int

    def read(self) -> tuple[Lease, str, Outcome]:
        """The lease it was made under, the server's run id, and the outcome.

        Raises:
            ValueError: the file is not whole; its worker died while writing it.
        """
        with self.path.open("rb") as document:  # hold the body only once: it may be large
            found = json.loads(document.readline())
            body = document.read()
        if len(body) != found["size"]:
            raise ValueError(f"{self.path.name} is cut short")
        error = RunError(**found["error"]) if found["error"] else None
        outcome = Outcome(
            RunStatus(found["status"]),
            error,
            body if found["has_body"] else None,
            found["ending"],
            found["executions"],
            found.get("known_at", time.time()),
            found.get("took_s"),
            found.get("began", True),
            found.get("starts_after_s", 0),
        )
        return Lease(UUID(found["run_id"]), UUID(found["owner"]), found["fence"]), found["remote_run_id"], outcome

    @property
    def size(self) -> int:
        """Its size on disk in bytes: the final state's, and a few hundred."""
        return os.fstat(self.descriptor).st_size

    def close(self) -> None:
        """Unlock it; it stays for the next worker."""
        os.close(self.descriptor)

    def remove(self) -> None:
        """Delete it, because it is stored."""
        self.path.unlink(missing_ok=True)
        self.close()


class Spool:
    """The folder of outcomes that wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, lease: Lease, remote_run_id: str, outcome: Outcome) -> Spooled:
        """Write an outcome to disk, synced, and keep it locked.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        error = outcome.error
        head = {
            "run_id": str(lease.run_id),
            "owner": str(lease.owner),
            "fence": lease.fence,
            "remote_run_id": remote_run_id,
            "status": outcome.status.value,
            "error": {"type": error.type, "message": error.message, "node": error.node} if error else None,
            "ending": dict(outcome.ending),
            "executions": outcome.executions,
            "known_at": outcome.known_at,
            "took_s": outcome.took_s,
            "began": outcome.began,
            "starts_after_s": outcome.starts_after_s,
            "has_body": outcome.body is not None,
            "size": len(outcome.body or b""),
        }
        path = self._folder / f"{lease.run_id}-{lease.fence}{SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for part in (json.dumps(head).encode() + b"\n", outcome.body or b""):
                _write_all(descriptor, part)
            os.fsync(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return Spooled(path, descriptor)

    def take(self) -> Iterator[Spooled]:
        """All outcomes that no worker has locked, oldest first. Each is locked until closed or removed."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob(f"*{SUFFIX}"), key=_age):
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            if path.exists():  # its worker may have stored and removed it between open and lock
                yield Spooled(path, descriptor)
            else:
                os.close(descriptor)


def _write_all(descriptor: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

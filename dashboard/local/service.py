"""One program that is kept running: its process, its log, and when it is started again after it has ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dashboard.langgraph.backoff import Backoff
from dashboard.local.parent_death import tethered

LOG_LIMIT_BYTES = 5 * 1024 * 1024
PAUSES = Backoff(first_s=1.0, longest_s=15.0, steady_s=60.0)


@dataclass
class Service:
    """A program to keep running.

    Attributes:
        command: the program and its arguments.
        log_path: where its output goes.
        patience_s: how long it may take to end after SIGTERM before it is killed.
        prepare: called before every start; may change `command` (a port that has been taken meanwhile).
        pauses: how long to wait before it is started again; a start that lasted `steady_s` was no failure.
    """

    name: str
    command: list[str]
    log_path: Path
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = Path("/")
    patience_s: float = 5.0
    prepare: Callable[[Service], None] | None = None
    pauses: Backoff = PAUSES

    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    _started_at: float = 0.0
    _due_at: float | None = None

    def start(self) -> int:
        """Start the program in a process group of its own; gives its process id."""
        if self.prepare:
            self.prepare(self)
        with open_log(self.log_path) as log:
            self.process = subprocess.Popen(
                tethered(self.command, on_parent_death=signal.SIGKILL),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd, env=self.env, start_new_session=True,
                umask=0o077,
            )  # fmt: skip
        self._started_at, self._due_at = time.monotonic(), None
        return self.process.pid

    def check(self) -> str | None:
        """Notice that the program has ended and plan its next start. Gives the line to tell people, once."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.kill_group()  # what it may have started itself
        self.process = None
        now = time.monotonic()
        if now - self._started_at > self.pauses.steady_s:
            self.failures = 0
        pause_s = self.pauses.delay_s(self.failures)
        self.failures += 1
        self._due_at = now + pause_s
        return f"{self.name} ended with {ending(code)}, starting it again in {pause_s:.1f} s; its log: {self.log_path}"

    def is_due(self) -> bool:
        """Whether it is time to start the program again."""
        return self._due_at is not None and time.monotonic() >= self._due_at

    def ask_to_end(self) -> None:
        self._due_at = None
        if self.process is not None:
            self._signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """Kill the program and every process of its group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to it, readable by us alone; one that has grown too large is put aside first."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    log = path.open("ab")
    path.chmod(0o600)
    return log


def ending(code: int) -> str:
    """How a process ended, in words: `exit code 1` or `SIGKILL`."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

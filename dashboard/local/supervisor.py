"""Starts programs, starts them again when they end, and ends them all with itself: in good order, or at once."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from dashboard.local.parent_death import tethered
from dashboard.local.service import Service, open_log

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# make forwards a SIGTERM that our process group has already received: one wish, received twice.
SAME_WISH_S = 0.5
SLOW_S = 3.0


class StopAsked(Exception):
    """Ctrl-C or SIGTERM came: end everything."""


class ProgramFailed(Exception):
    """A program that was run to its end failed. The message is its last line."""


class Supervisor:
    """Keeps services running while its owner waits in `wait_for` or `run_forever`; leaving the context ends them all.

    Signals are blocked and fetched with `sigtimedwait`: one wait wakes for a signal and for a child that ends, and no
    handler ever interrupts code in the middle. Use it in the main thread; the children's lives are tied to that.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.services: list[Service] = []
        self._say = say
        self._watched = {*STOP_SIGNALS, signal.SIGCHLD}
        self._stop_asked_at: float | None = None

    def __enter__(self) -> Supervisor:
        self._old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._watched)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("orphan_reaper.py"))],
            stdin=subprocess.PIPE, start_new_session=True, cwd="/", text=True, bufsize=1,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()
        assert self._guard.stdin
        self._guard.stdin.close()
        self._guard.wait()
        # One that came while we were ending would otherwise end us now, before the last line is printed.
        while signal.sigtimedwait(STOP_SIGNALS, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self._old_mask)

    def start(self, service: Service) -> Service:
        """Start `service` and keep it running from now on."""
        self.services.append(service)
        self._guarded("+", service.start())
        return service

    def run(self, command: list[str], *, env: dict[str, str], cwd: Path, log_path: Path) -> str:
        """Run a program to its end while the services are kept; gives what it printed.

        Raises:
            ProgramFailed: it ended with another exit code than 0.
            StopAsked: see the class; the program has been killed.
        """
        with open_log(log_path) as log:
            begin = log.tell()
            process = subprocess.Popen(
                tethered(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=cwd, env=env,
                start_new_session=True, text=True,
            )  # fmt: skip
        self._guarded("+", process.pid)
        try:
            self.wait_for(lambda: process.poll() is not None)
        finally:
            if process.poll() is None:
                process.kill()
            printed, _ = process.communicate()
            self._guarded("-", process.pid)
        if process.returncode != 0:
            with log_path.open("rb") as written:
                written.seek(begin)
                lines = written.read().decode(errors="replace").strip().splitlines()
            raise ProgramFailed(lines[-1] if lines else f"it ended with exit code {process.returncode}")
        return printed

    def wait_for(
        self, condition: Callable[[], bool], *, timeout_s: float = float("inf"), every_s: float = 0.05
    ) -> bool:
        """Keep the services until `condition` holds (True) or the time is over (False).

        Raises:
            StopAsked: a signal came.
        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._tick(min(every_s, left_s))
        return True

    def run_forever(self) -> None:
        """Keep the services until a signal comes.

        Raises:
            StopAsked: always, in the end.
        """
        self.wait_for(lambda: False, every_s=0.5)

    def stop_all(self) -> None:
        """End every service, the last started first, each with its time to put things in order.

        A second signal meanwhile ends that patience.
        """
        self._stop_asked_at = self._stop_asked_at or time.monotonic()
        for service in reversed(self.services):
            if service.process is None:
                continue
            service.ask_to_end()
            asked_at = time.monotonic()
            is_reported = False
            while service.process.poll() is None and not self.is_hurried(0.05):
                waited_s = time.monotonic() - asked_at
                if waited_s > service.patience_s:
                    break
                if waited_s > SLOW_S and not is_reported:
                    is_reported = True
                    self._say(f"{service.name} needs a while to end (Ctrl-C again ends it at once)")
            if service.process.poll() is None:
                self._say(f"{service.name} did not end in time and was killed")
            service.kill_group()
            service.process.wait()
            self._guarded("-", service.process.pid)
            service.process = None
        self.services.clear()

    def is_hurried(self, wait_s: float = 0.0) -> bool:
        """Whether a second signal has asked to end at once. Waits up to `wait_s` for it (or for any child to end)."""
        found = signal.sigtimedwait(self._watched, wait_s)
        if found and found.si_signo in STOP_SIGNALS and self._stop_asked_at is not None:
            self._hurried = time.monotonic() - self._stop_asked_at > SAME_WISH_S or self._hurried
        return self._hurried

    _hurried = False

    def _tick(self, wait_s: float) -> None:
        found = signal.sigtimedwait(self._watched, wait_s)
        if found and found.si_signo in STOP_SIGNALS:
            self._stop_asked_at = time.monotonic()
            raise StopAsked
        for service in self.services:
            process = service.process
            if line := service.check():
                assert process
                self._guarded("-", process.pid)
                self._say(line)
            elif service.is_due():
                self._guarded("+", service.start())

    def _guarded(self, change: str, group: int) -> None:
        assert self._guard.stdin
        with contextlib.suppress(BrokenPipeError):  # somebody killed the reaper: the parent-death signals remain
            self._guard.stdin.write(f"{change}{group}\n")
            self._guard.stdin.flush()

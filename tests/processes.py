"""Processes that tests start and measure: a worker, a web process, any Python program that answers questions.

Each ends with its `with` block, with `stop()`, or with the process that started it, however that ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from dashboard.env import BASE_DIR
from dashboard.local.parent_death import tethered
from dashboard.local.ports import free_port
from tests.bench.measuring import Usage, eventually, usage_of

TROUBLE = (" ERROR ", " CRITICAL ", "Traceback")


class Program:
    """A Python program that takes commands on its input, a line each, and answers each with a line of JSON."""

    def __init__(self, *arguments: str, database_url: str = "", answers: bool = True, log: Path | None = None) -> None:
        """Args:
        database_url: "" leaves the environment's.
        answers: Whether it is a program to `ask`; else what it prints goes into its log.
        log: A file to add its words to, which stays; None: they are shown when there was trouble, and gone.
        """
        self._arguments = arguments
        self._answers = answers
        self._log_path = log
        self._env = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        if database_url:
            self._env["DATABASE_URL"] = database_url
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start it, from a thread that lives as long as it should. After `stop` it can be started again."""
        self._log: IO[str]
        if self._log_path:
            self._log = self._log_path.open("a")
        else:
            self._log = tempfile.NamedTemporaryFile("w+", prefix="runboard-test-")  # noqa: SIM115 - closed at its end
        self._process = subprocess.Popen(
            tethered([sys.executable, *self._arguments]),
            stdin=subprocess.PIPE,
            # A pipe that nobody reads would stop the program once it is full.
            stdout=subprocess.PIPE if self._answers else self._log,
            stderr=self._log,
            cwd=BASE_DIR,
            env=self._env,
            text=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        said = Path(self._log.name).read_text(errors="replace")
        trouble = [said.index(word) for word in TROUBLE if word in said]
        if trouble or kind is not None:
            print(f"\n{self.name} said:\n{said[min(trouble) :][:2000] if trouble else said[-2000:]}")
        self._log.close()

    def stop(self) -> int:
        """Ask it to end, and make it when it does not. Gives its exit code."""
        assert self._process is not None
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)
        return self.ended(within_s=20)

    def kill(self) -> None:
        """End it as kill -9 does."""
        assert self._process is not None
        self._process.kill()
        self.ended(within_s=20)

    def ended(self, *, within_s: float) -> int:
        """Its exit code once it has ended; after `within_s` it is made to."""
        assert self._process is not None
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._log_path:
            self._log.close()
        return self._process.returncode

    @property
    def name(self) -> str:
        """Its command, without the Python."""
        return " ".join(self._arguments)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def usage(self) -> Usage:
        return usage_of(self.pid)

    def tell(self, line: str) -> None:
        """Give it a line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Its next answer; waits for it."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self.name} ended without an answer"
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Give it a line and wait for the answer."""
        self.tell(line)
        return self.hear()


class Worker(Program):
    """`manage.py run_worker`, with the connection pool and everything else as in production."""

    def __init__(self, database_url: str, *, concurrency: int, log: Path | None = None) -> None:
        command = ("manage.py", "run_worker", "--concurrency", str(concurrency))
        super().__init__(*command, database_url=database_url, answers=False, log=log)


class Web(Program):
    """Daphne with our application. It can be stopped and started again at the same address."""

    application = "dashboard.asgi:application"

    def __init__(self, database_url: str, *, log: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), self.application)
        super().__init__(*command, database_url=database_url, answers=False, log=log)

    def __enter__(self) -> Self:
        super().__enter__()
        eventually(self.is_up, "the web process answers")
        return self

    def is_up(self) -> bool:
        """Whether it answers."""
        assert self.is_running, "the web process ended at its start"
        try:
            with urllib.request.urlopen(f"{self.url}/accounts/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

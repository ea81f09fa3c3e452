"""The processes a bench starts. Each ends with its `with` block, and with the bench however that ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dashboard.env import BASE_DIR
from dashboard.local.ports import free_port
from dashboard.local.tether import tethered
from tests.bench.measuring import Usage, eventually, usage_of

TROUBLE = (" ERROR ", " CRITICAL ", "Traceback")


class Program:
    """A Python program that is told things on its input, a line each, and answers each with a line of JSON."""

    def __init__(self, *arguments: str, database_url: str = "", answers: bool = True) -> None:
        self._arguments = arguments
        self._answers = answers
        self._env = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        if database_url:
            self._env["DATABASE_URL"] = database_url
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.NamedTemporaryFile("w+", prefix="runboard-bench-")
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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        said = Path(self._log.name).read_text(errors="replace")
        trouble = [said.index(word) for word in TROUBLE if word in said]
        if trouble or kind is not None:
            print(f"\n{' '.join(self._arguments)} said:\n{said[min(trouble) :][:2000] if trouble else said[-2000:]}")
        self._log.close()

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
        assert line, f"{' '.join(self._arguments)} ended without an answer"
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Give it a line and wait for the answer."""
        self.tell(line)
        return self.hear()


class LangGraphStandIn(Program):
    """The scripted server in a process of its own: see `stand_in.py` for what it can be told."""

    def __init__(self, *, heartbeat_s: float = 5.0, run_s: float | None = None) -> None:
        super().__init__("-m", "tests.bench.stand_in", str(heartbeat_s), str(run_s))

    def __enter__(self) -> Self:
        super().__enter__()
        self.url: str = self.hear()
        return self

    def created(self) -> int:
        """How many runs it was asked to create."""
        return int(self.ask("created"))


class Worker(Program):
    """`manage.py run_worker`, with the connection pool and everything else as in production."""

    def __init__(self, database_url: str, *, concurrency: int) -> None:
        command = ("manage.py", "run_worker", "--concurrency", str(concurrency))
        super().__init__(*command, database_url=database_url, answers=False)


class Web(Program):
    """Daphne with our application and a count of renderings: see `counted.py`."""

    def __init__(self, database_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = ("-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "tests.bench.counted:application")
        super().__init__(*command, database_url=database_url, answers=False)

    def __enter__(self) -> Self:
        super().__enter__()
        eventually(self._is_up, "the web process answers")
        return self

    def _is_up(self) -> bool:
        assert self.is_running, "the web process ended at its start"
        try:
            with urllib.request.urlopen(f"{self.url}/accounts/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def renders(self) -> int:
        """How often a run's live parts were rendered since it started."""
        with urllib.request.urlopen(f"{self.url}/bench/renders", timeout=30) as answer:
            return int(answer.read())

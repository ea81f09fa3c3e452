"""Start the real `langgraph dev` on a folder of graphs, for contract tests.

    with LangGraphDev(SAMPLES) as server:
        ... server.url ...

The fixtures `samples` and `langgraph_dev` do this once for all tests of a process (tests/contract/conftest.py).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

TINY = Path(__file__).parent / "graphs"
SAMPLES = Path(__file__).resolve().parents[2] / "dashboard" / "local" / "graphs"
_PR_SET_PDEATHSIG = 1
_START_S = 90.0


STATE_FILES = ("checkpoint.1", "checkpoint.2", "checkpoint.3")


class LangGraphDevFailed(Exception):
    """The server did not start. Never a reason to skip: what did not run has proved nothing."""


class LangGraphDev:
    """One `langgraph dev` on a free port of loopback.

    Attributes:
        url: Its address, once started.
        pid: Its process, and process group, id.
    """

    def __init__(self, graphs: Path, *, jobs: int = 10, environment: dict[str, str] | None = None) -> None:
        """Args:
        graphs: A folder with a langgraph.json. The server runs in a throw-away copy, as it writes into its folder.
        jobs: How many runs go on at once (its own default is one).
        environment: Further variables for the server.
        """
        self.url = ""
        self.pid = 0
        self._graphs = graphs
        self._jobs = jobs
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._home = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            LangGraphDevFailed: With the end of what it printed.
        """
        self._home = tempfile.mkdtemp(prefix="runboard-langgraph-")
        folder = Path(self._home) / "graphs"
        shutil.copytree(self._graphs, folder, ignore=shutil.ignore_patterns("__pycache__", ".langgraph_api"))
        self._launch(_free_port(), folder)

    def _launch(self, port: int, folder: Path) -> None:
        command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--n-jobs-per-worker", str(self._jobs)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "RUNBOARD_"))}
        environment |= {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGSMITH_TRACING": "false", "LANG": "C.UTF-8"}
        environment |= self._environment
        with (Path(self._home) / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        self.pid = self._process.pid
        self.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + _START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log()[-3000:]
                self.stop()
                raise LangGraphDevFailed(f"`langgraph dev` did not start on port {port}. It said:\n{said}")
            time.sleep(0.1)

    def restart(self, *, kill: bool, lose: str = "") -> None:
        """Stop (SIGTERM, or SIGKILL with `kill`) and start again, same port and folder: what it saved, it knows.

        Except what is in files with `lose` in their names: it does not write all of them at the same moment.
        """
        port = int(self.url.rsplit(":", 1)[1])
        self._end(signal.SIGKILL if kill else signal.SIGTERM)
        for path in (Path(self._home) / "graphs" / ".langgraph_api").glob(f"*{lose}*"):
            if lose:
                path.unlink()
        self._launch(port, Path(self._home) / "graphs")

    def has_saved(self, run_id: str, *, states: bool = True) -> bool:
        """Whether it would know the run, and with `states` what that has left, after a kill -9. It saves every 10 s.

        It writes one file after the other, so they are to be of one time. Its states it saves only until somebody asks
        for a state: from then on they are gone with the next kill.
        """
        folder = Path(self._home) / "graphs" / ".langgraph_api"
        runs, *left = [folder / f".langgraph_{name}.pckl" for name in ("ops", *(STATE_FILES if states else ()))]
        try:
            knows = all(run_id.encode() in path.read_bytes() for path in (runs, *left[:1]))
            written_at = [path.stat().st_mtime for path in (runs, *left)]
        except FileNotFoundError:
            return False
        return knows and max(written_at) - min(written_at) < 1.0

    def stop(self) -> None:
        """End it and remove its folder."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self._home, ignore_errors=True)

    def log(self) -> str:
        """All it has printed."""
        return (Path(self._home) / "log").read_text(errors="replace")

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ok", timeout=1.0, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _end(self, first: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for sign, patience_s in ((first, 5.0), (signal.SIGKILL, 10.0)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)  # its own group: only what it started
            try:
                process.wait(patience_s)
                return
            except subprocess.TimeoutExpired:
                continue


def _free_port() -> int:
    """A free port: `langgraph dev` silently takes another one when its port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _die_with(parent: int) -> Callable[[], None]:
    """For the child, before it becomes the server: be killed when the test process dies, however it dies."""
    libc = ctypes.CDLL(None)

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec

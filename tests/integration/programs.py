"""Real web and worker processes on the test database, and what they answer over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from dashboard.local.parent_death import tethered
from dashboard.local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]

Process = subprocess.Popen[bytes]

SHORT_LEASE_S = "6"
"""Tests that kill and freeze workers need not wait for the product's 20 s."""


class Programs:
    """Starts processes; none outlives the test, or the test session."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self._started: list[Process] = []

    def worker(self, *, database_url: str = "", **env: str) -> Process:
        return self._start([sys.executable, "manage.py", "run_worker"], database_url, env)

    def web(self, *, database_url: str = "") -> str:
        """The address of a new web process, which may not listen yet."""
        port = free_port()
        self._start(
            [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "dashboard.asgi:application"],
            database_url,
            {},
        )
        return f"http://127.0.0.1:{port}"

    def _start(self, command: list[str], database_url: str, env: dict[str, str]) -> Process:
        process = subprocess.Popen(
            tethered(command, on_parent_death=signal.SIGKILL),
            cwd=ROOT,
            env={
                **os.environ,
                "RUNBOARD_LEASE_S": SHORT_LEASE_S,
                "DATABASE_URL": database_url or self.database_url,
                **env,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        return process

    def pids(self) -> list[int]:
        """The processes started so far, in order."""
        return [process.pid for process in self._started]

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)


async def health(url: str) -> dict[str, Any]:
    """What /healthz says, with its HTTP status under "http"; {} while nobody answers there."""
    return await asyncio.to_thread(_health, url)


def _health(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url + "/healthz", timeout=8) as answer:
            return {"http": answer.status, **json.load(answer)}
    except urllib.error.HTTPError as refused:
        return {"http": refused.code, **json.load(refused)}
    except OSError:
        return {}

"""The supervisor with small programs: all of them end with it, and one that dies is started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.env import BASE_DIR
from tests.integration.local.processes import descendants, eventually, is_alive

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor over programs of the given names, and wait until each has begun."""
    started: list[subprocess.Popen[str]] = []

    def start(*names: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.integration.local.supervised", str(tmp_path), *names]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=BASE_DIR, start_new_session=True)
        started.append(process)
        for name in names:
            eventually((tmp_path / name).exists, what=f"the start of {name}")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def everything(process: subprocess.Popen[str], at_least: int) -> list[int]:
    """The supervisor's guard, its programs and their children."""
    found = descendants(process.pid)
    assert len(found) >= at_least
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_it_started(start: Start, number: signal.Signals) -> None:
    process = start("web", "worker")
    all_of_it = everything(process, 5)

    process.send_signal(number)

    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output.splitlines() == ["started", "stopped"]
    assert not [pid for pid in all_of_it if is_alive(pid)]


def test_the_last_started_is_ended_first(start: Start, tmp_path: Path) -> None:
    process = start("server", "web", "worker")

    process.terminate()

    process.communicate(timeout=10)
    assert (tmp_path / "order").read_text().split() == ["worker", "web", "server"]


def test_killing_the_supervisor_ends_everything_within_five_seconds(start: Start) -> None:
    process = start("web", "worker", "stubborn")
    all_of_it = everything(process, 7)

    process.kill()

    eventually(lambda: not any(map(is_alive, all_of_it)), within_s=5, what="the end of every process")


def test_killing_supervisor_and_guard_still_ends_the_programs(start: Start, tmp_path: Path) -> None:
    process = start("web")
    guard = next(
        pid for pid in descendants(process.pid) if b"orphan_reaper.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    web, _ = map(int, (tmp_path / "web").read_text().split())

    os.kill(guard, signal.SIGKILL)
    process.kill()

    eventually(lambda: not is_alive(web), within_s=5, what="the end of the program")


def test_a_program_that_dies_is_started_again_and_reported(start: Start, tmp_path: Path) -> None:
    process = start("web", "worker")
    first, child = map(int, (tmp_path / "worker").read_text().split())
    assert process.stdout
    assert process.stdout.readline() == "started\n"

    os.kill(first, signal.SIGKILL)

    line = process.stdout.readline()
    pattern = r"worker ended with SIGKILL, starting it again in 0\.[123] s; its log: "
    assert re.fullmatch(rf"{pattern}{tmp_path}/logs/worker\.log\n", line)
    eventually(lambda: int((tmp_path / "worker").read_text().split()[0]) != first, what="the new start")
    assert not is_alive(child), "what it had left behind is gone"
    assert process.poll() is None


def test_a_program_that_does_not_end_is_killed_after_its_time(start: Start) -> None:
    process = start("stubborn")
    begin = time.monotonic()

    process.terminate()

    output, _ = process.communicate(timeout=10)
    assert 1.2 < time.monotonic() - begin < 5
    assert "stubborn did not end in time and was killed" in output


def test_a_second_signal_ends_the_patience(start: Start) -> None:
    process = start("deaf")
    begin = time.monotonic()

    process.send_signal(signal.SIGINT)
    eventually(lambda: time.monotonic() - begin > 0.6)  # sooner, it would count as the same wish
    process.send_signal(signal.SIGINT)

    process.communicate(timeout=10)
    assert time.monotonic() - begin < 10


def test_one_wish_that_arrives_twice_is_one_wish(start: Start, tmp_path: Path) -> None:
    process = start("web", "worker")

    os.killpg(process.pid, signal.SIGTERM)  # as when make hands on a signal that we had already
    process.terminate()

    process.communicate(timeout=10)
    assert process.returncode == 0
    assert (tmp_path / "order").read_text().split() == ["worker", "web"]

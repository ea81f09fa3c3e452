"""When a service is started again, and what is said of its end."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from dashboard.langgraph import Backoff
from dashboard.local import service as module
from dashboard.local.service import PAUSES, Service, ending, open_log


def ended(service: Service) -> str:
    assert service.process
    service.process.wait(timeout=10)
    line = service.check()
    assert line
    return line


def test_an_end_is_said_once_with_the_log_to_look_into(tmp_path: Path) -> None:
    service = Service("worker", [sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"], tmp_path / "logs" / "w.log")
    service.start()

    line = ended(service)

    expected = r"worker ended with exit code 3, starting it again in (0\.[789]|1\.[0-3]) s; its log: "
    assert re.fullmatch(expected + re.escape(str(tmp_path / "logs" / "w.log")), line)
    assert service.check() is None


def test_the_pause_doubles_up_to_its_limit(tmp_path: Path) -> None:
    service = Service("worker", [sys.executable, "-I", "-S", "-c", ""], tmp_path / "w.log")
    pauses = []
    for _ in range(6):
        service.start()
        pauses.append(float(ended(service).partition("again in ")[2].partition(" s;")[0]))

    expected = [1.0, 2.0, 4.0, 8.0, PAUSES.longest_s, PAUSES.longest_s]
    assert pauses == [pytest.approx(pause, rel=0.3) for pause in expected]


def test_a_program_that_ran_long_begins_again_with_the_short_pause(tmp_path: Path) -> None:
    pauses = Backoff(first_s=1.0, longest_s=15.0, steady_s=0.0)
    command = [sys.executable, "-I", "-S", "-c", ""]
    service = Service("worker", command, tmp_path / "w.log", failures=5, pauses=pauses)
    service.start()

    assert re.search(r"again in (0\.[789]|1\.[0-3]) s", ended(service))


def test_a_program_that_is_missing_is_said_in_its_log(tmp_path: Path) -> None:
    service = Service("worker", ["/nowhere/program"], tmp_path / "w.log")
    service.start()

    assert "exit code 127" in ended(service)
    assert "cannot be started: No such file or directory" in (tmp_path / "w.log").read_text()


def test_a_large_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_LIMIT_BYTES", 10)
    path = tmp_path / "logs" / "web.log"
    with open_log(path) as log:
        log.write(b"x" * 11)

    with open_log(path) as log:
        log.write(b"new")

    assert path.read_bytes() == b"new"
    assert path.with_name("web.log.1").read_bytes() == b"x" * 11
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (1, "exit code 1"), (-9, "SIGKILL"), (-15, "SIGTERM")])
def test_endings_in_words(code: int, words: str) -> None:
    assert ending(code) == words

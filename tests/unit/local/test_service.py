"""When a service is started again, and what is said of its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dashboard.local import service as module
from dashboard.local.service import LONGEST_PAUSE_S, Service, ending, open_log


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

    expected = "worker ended with exit code 3, starting it again in 1 s; its log: "
    assert line == expected + str(tmp_path / "logs" / "w.log")
    assert service.check() is None


def test_the_pause_doubles_up_to_its_limit(tmp_path: Path) -> None:
    service = Service("worker", [sys.executable, "-I", "-S", "-c", ""], tmp_path / "w.log")
    pauses = []
    for _ in range(6):
        service.start()
        pauses.append(ended(service).partition("again in ")[2].partition(" s;")[0])

    assert pauses == ["1", "2", "4", "8", f"{LONGEST_PAUSE_S:g}", f"{LONGEST_PAUSE_S:g}"]


def test_a_program_that_ran_long_begins_again_with_the_short_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service("worker", [sys.executable, "-I", "-S", "-c", ""], tmp_path / "w.log", failures=5)
    monkeypatch.setattr(module, "STEADY_AFTER_S", 0.0)
    service.start()

    assert "again in 1 s" in ended(service)


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

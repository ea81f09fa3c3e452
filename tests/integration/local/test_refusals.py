"""`manage.py up` where it cannot start: one sentence, the right exit code, nothing left running or written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.env import BASE_DIR
from dashboard.local.ports import free_port


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refuse(state: Path, **variables: str) -> tuple[int, str]:
    """Start `up` where it must not start; gives exit code and sentence."""
    env = {"PATH": os.environ["PATH"], "RUNBOARD_DATA": str(state), **variables}
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("runboard: ")
    return done.returncode, lines[0]


@pytest.mark.parametrize(
    ("variable", "value"), [("PORT", "http"), ("DEBUG", "perhaps"), ("LANGGRAPH_URL", "localhost")]
)
def test_a_wrong_value_is_named_and_nothing_is_written(state: Path, variable: str, value: str) -> None:
    code, sentence = refuse(state, **{variable: value})

    assert code == 2
    assert sentence.startswith(f"runboard: {variable} ")
    assert not state.exists()


def test_with_debug_off_a_missing_secret_key_stops_it(state: Path) -> None:
    code, sentence = refuse(state, DEBUG="false")

    assert code == 2
    assert "SECRET_KEY is missing" in sentence


def test_a_taken_port_is_named(state: Path, taken_port: int) -> None:
    code, sentence = refuse(state, PORT=str(taken_port))

    assert code == 1
    assert f"Port {taken_port} on 127.0.0.1 is taken" in sentence
    assert not state.exists()


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("root may write everywhere, but not below a file")

    code, sentence = refuse(tmp_path / "file" / "state", PORT=str(free_port()))

    assert code == 1
    assert str(tmp_path / "file" / "state") in sentence
    assert "RUNBOARD_DATA" in sentence


def test_a_database_that_cannot_be_reached_is_said_without_its_password(state: Path) -> None:
    url = "postgresql://someone:hush-hush@127.0.0.1:1/runs"

    code, sentence = refuse(state, DATABASE_URL=url, PORT=str(free_port()))

    assert code == 1
    assert "DATABASE_URL cannot be reached" in sentence
    assert "Connection refused" in sentence
    assert "hush-hush" not in sentence

"""A state folder is for one `manage.py up` at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.env import BASE_DIR
from dashboard.local.instance_lock import AlreadyRunning, be_the_only_one, refuse_a_second

HOLD = """
import sys; from pathlib import Path; from dashboard.local.instance_lock import be_the_only_one
be_the_only_one(Path(sys.argv[1]), "http://127.0.0.1:8000"); print("held", flush=True); sys.stdin.read()
"""


def test_a_second_start_learns_where_the_first_one_is_until_it_ends(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"

    for attempt in (refuse_a_second, lambda folder: be_the_only_one(folder, "elsewhere")):
        with pytest.raises(AlreadyRunning) as refused:
            attempt(tmp_path)
        assert refused.value.address == "http://127.0.0.1:8000"
    first.kill()
    first.communicate()

    refuse_a_second(tmp_path)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    refuse_a_second(tmp_path / "state")

    assert not (tmp_path / "state").exists()

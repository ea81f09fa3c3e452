"""Tests of a file run in one process: what they share is made once."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from dashboard.env import BASE_DIR
from tests.side_by_side import group_of

FILE = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(6))
def test_where(number):
    with pathlib.Path(__file__).with_suffix(".log").open("a") as log:
        print(os.environ["PYTEST_XDIST_WORKER"], file=log)
"""


def test_a_file_runs_in_one_process_and_files_run_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]")
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"test_{name}.py").write_text(FILE)

    command = ["-m", "pytest", "-p", "tests.side_by_side", "-p", "no:django", "-n", "2", "--dist", "loadgroup"]
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path)], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    ran = defaultdict(set)
    for log in tmp_path.glob("*.log"):
        lines = log.read_text().split()
        assert len(lines) == 6
        ran[log.name] |= set(lines)
    assert [len(processes) for processes in ran.values()] == [1, 1, 1, 1]
    assert set.union(*ran.values()) == {"gw0", "gw1"}


def test_files_that_share_a_server_are_one_group() -> None:
    groups = {group_of(f"tests/contract/test_{name}.py") for name in ("real_runs", "real_outcomes", "real_answers")}

    assert len(groups) == 1
    assert group_of("tests/unit/test_tree.py") not in groups

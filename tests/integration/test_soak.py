"""A minute of the soak: see `tests/soak`. `make soak` plays ten."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_MOST_S = 400
"""A minute, its beginning, and the time the last runs may take: three minutes, see `ENDED_WITHIN_S`."""


def test_a_minute_of_every_fault_leaves_nothing_wrong() -> None:
    """In a process of its own, with a database of its own: it takes that away while it runs."""
    seed = os.environ.get("SOAK_SEED", "")
    soak = subprocess.run(
        [sys.executable, "-m", "tests.soak"],
        cwd=ROOT,
        env={**os.environ, "SOAK_MINUTES": "1", "SOAK_SEED": seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=AT_MOST_S,
        check=False,
    )

    assert soak.returncode == 0, soak.stdout

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may pass through; pytest's own `tmp_path` is closed to all but who runs the tests."""
    path = Path(tempfile.mkdtemp(prefix="runboard-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)

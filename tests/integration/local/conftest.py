from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import TEMP


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may pass through; pytest's own `tmp_path` is closed to all but who runs the tests."""
    with _open_to_all(TEMP) as path:
        yield path


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """Such a folder where programs may be executed, which memory need not allow."""
    with _open_to_all(tempfile.gettempdir()) as path:
        yield path


@contextmanager
def _open_to_all(place: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="runboard-", dir=place))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)

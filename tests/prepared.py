"""What processes that test side by side would each make alike: the first makes it, the others begin with a copy.

That is a migrated Postgres and the hashed static files. Making them takes four seconds of a core, copying a moment.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import IO

from tests.environment import DATA_DIR

SHARED = Path(os.environ.setdefault("TESTS_SHARED_DIR", DATA_DIR)) / "prepared"
"""Of the process that started the others, which inherit its name; gone with that one's folder."""

IS_SHARED = "PYTEST_XDIST_WORKER" in os.environ


class Turn:
    """The first process makes it and publishes it by `leave()`; the others wait in `begin()` and get a copy."""

    def __init__(self, folder: Path) -> None:
        """Args:
        folder: Where this process has it.
        """
        self._folder = folder
        self._kept = SHARED / folder.name
        self._lock: IO[str] | None = None

    def begin(self) -> bool:
        """Whether a copy is there now. Else it is to be made, and all others wait for it."""
        if not IS_SHARED:
            return False
        SHARED.mkdir(exist_ok=True)
        self._lock = self._kept.with_suffix(".lock").open("a")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if not self._kept.exists():
            return False
        self.end()
        _copy(self._kept, self._folder)
        return True

    @property
    def is_ours(self) -> bool:
        """Whether the others wait for this process."""
        return self._lock is not None

    def leave(self) -> None:
        """What was made is left for the others, which go on."""
        unfinished = self._kept.with_suffix(".new")
        _copy(self._folder, unfinished)
        unfinished.rename(self._kept)
        self.end()

    def end(self) -> None:
        """The next one goes on."""
        assert self._lock is not None
        self._lock.close()
        self._lock = None


def _copy(source: Path, target: Path) -> None:
    """With the owners of its files, which `shutil` would not keep: root may not run Postgres."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)

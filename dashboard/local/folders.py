"""Folders that another OS user must pass through, or that only one user may enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from dashboard.local.os_user import Account, PostgresError

# For what Postgres' user cannot reach elsewhere. Only root ever writes there.
SYSTEM_HOME = Path("/var/lib/runboard")


def make_folder(folder: Path) -> None:
    """Make `folder` and its missing parents so that another user can pass through (not read) when we are root."""
    missing = [folder, *folder.parents]
    missing = missing[: next(index for index, path in enumerate(missing) if path.exists())]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            path.chmod(0o755)
    if not folder.is_dir():
        raise NotADirectoryError(20, "it is not a folder", str(folder))
    if os.geteuid() == 0 and folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    with tempfile.TemporaryFile(dir=folder):
        pass  # says now whether it can be written


def make_private(folder: Path, account: Account) -> None:
    """Make `folder` if need be, for `account` alone. Refuses one that somebody else made there before us."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise PostgresError(f"Postgres' folder {folder} cannot be made: {error.strerror}") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid}:
        raise PostgresError(f"Postgres needs the folder {folder}, but somebody else made it: remove it")
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)

"""The secrets a local installation makes for itself."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet

from dashboard.env import ENCRYPTION_KEYS_FILE, SECRET_KEY_FILE
from dashboard.local.keys import ensure_local_keys, write_private


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    ensure_local_keys(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}

    ensure_local_keys(tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first
    assert set(first) == {SECRET_KEY_FILE, ENCRYPTION_KEYS_FILE}
    assert len(first[SECRET_KEY_FILE].strip()) >= 50
    Fernet(first[ENCRYPTION_KEYS_FILE].strip())


def test_keys_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ensure_local_keys(tmp_path)
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_private_file_that_was_open_to_all_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "database.url"
    path.write_text("old")
    path.chmod(0o666)

    write_private(path, "new")

    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o600

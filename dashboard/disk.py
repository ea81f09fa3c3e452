"""Whether the disks have room: the database's, as far as it reported, and the state folder's."""

from __future__ import annotations

import shutil
import time

import psycopg
from django.conf import settings

FULL_BELOW_BYTES = 32 * 1024 * 1024
"""Postgres writes its log in files of 16 MB and stops when one does not fit."""
REMEMBERED_S = 60.0

_full_at: float | None = None


def is_disk_full(error: BaseException | None) -> bool:
    """Whether Postgres refused to store something because its disk is full."""
    while error is not None:
        if isinstance(error, psycopg.errors.DiskFull):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_was_full() -> None:
    """Remember that Postgres had no room just now."""
    global _full_at
    _full_at = time.monotonic()


def disk_problem() -> str:
    """The problem with a disk, in a sentence; "" while there is room."""
    if _full_at is not None and time.monotonic() - _full_at < REMEMBERED_S:
        return "The disk that holds the database is full: nothing new can be stored. Make room on it."
    folder = settings.ENV.data_dir
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free < FULL_BELOW_BYTES:
        return f"The disk that holds the state folder ({folder}) is full: nothing new can be stored. Make room on it."
    return ""

"""The secrets of a local installation: made once, kept in its state folder, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from dashboard.env import ENCRYPTION_KEYS_FILE, SECRET_KEY_FILE


def ensure_local_keys(data_dir: Path) -> None:
    """Make the secret key and the encryption key of `data_dir` unless they are there."""
    write_once(data_dir / SECRET_KEY_FILE, secrets.token_urlsafe(50))
    write_once(data_dir / ENCRYPTION_KEYS_FILE, Fernet.generate_key().decode())


def write_once(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600 unless it exists. A second process finds a whole file, never a part."""
    if path.exists():
        return
    unfinished = write_private(path.with_name(f".{path.name}.{os.getpid()}"), text)
    try:
        os.link(unfinished, path)  # unlike rename, this does not replace what another start has just made
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()


def write_private(path: Path, text: str) -> Path:
    """Write `text` to `path` so that it has mode 0600 from its first moment on."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    return path

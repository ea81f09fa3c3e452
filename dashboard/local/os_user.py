"""The OS user that the embedded Postgres runs as."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")


class PostgresError(Exception):
    """The embedded Postgres cannot be used. The message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The OS user that Postgres runs as. Never root, because Postgres refuses that."""

    uid: int
    gid: int
    name: str

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def ids(self) -> dict[str, int]:
        """Arguments for `tethered`: empty when no change of user is needed."""
        return {} if self.is_ours else {"uid": self.uid, "gid": self.gid}

    def can_use(self, folder: Path, program: Path | None = None) -> bool:
        """Whether this user can enter `folder` and execute `program`. Asked of the kernel, not of mode bits."""
        if self.is_ours:
            return True
        question = 'cd -- "$1" && test -x "${2:-/}"'
        command = ["/bin/sh", "-c", question, "sh", str(folder), *([str(program)] if program else [])]
        answer = subprocess.run(
            command, user=self.uid, group=self.gid, extra_groups=[], cwd="/", capture_output=True, check=False
        )
        return answer.returncode == 0


def choose_account(data: Path) -> Account:
    """Who we are; when that is root, the owner of existing `data`, else the first unprivileged user there is.

    Raises:
        PostgresError: there is no such user.
    """
    if os.geteuid() != 0:
        return _account(os.geteuid())
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(owner)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise PostgresError(
        "Postgres refuses to run as root, and this machine has neither a user postgres nor nobody: "
        "run this as an ordinary user, or set DATABASE_URL"
    )


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise PostgresError(
            f"User {uid} has no entry in /etc/passwd, which Postgres needs: run as one that has"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)

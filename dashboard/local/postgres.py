"""The embedded Postgres: one server for a folder, shared by every process that asks, gone when the last one is."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from dashboard.langgraph.backoff import Backoff
from dashboard.local.cluster import (
    DATABASE,
    PORT,
    ROLE,
    Cluster,
    clean_environment,
    create_cluster,
    explain,
    prepare_cluster,
    reap_leftovers,
    sync_tree,
    write_access,
)
from dashboard.local.os_user import PostgresError
from dashboard.local.parent_death import tethered
from dashboard.local.service import ending, open_log

__all__ = ["EmbeddedPostgres", "PostgresError"]

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "cluster_name": ROLE,
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # no three extra processes for a database that fits into memory
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2000",
    "logging_collector": "off",
    "log_destination": "stderr",
}
# Tests end it hard: what it then repeats is kept short.
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "checkpoint_timeout": "30s"}
SLOW_START_S = 10.0
SILENT_START_S = 60.0
PAUSES = Backoff(first_s=0.2, longest_s=10.0, steady_s=30.0)
"""Before it is started again. One that ran `steady_s` begins with the first pause again."""


class EmbeddedPostgres:
    """A Postgres server that keeps its data in `folder` and lives as long as somebody uses it.

    The first process to `start()` owns the server: it holds a lock on the folder and the server is its child. Others
    attach. When the owner ends, in whatever way, so does its server, and one of the attached starts it again.

    Args:
        folder: where data, log and lock are. Made when missing.
        durable: False for tests: nothing is synced to disk, and data that had to be moved out of `folder` is removed.
        say: called with a line for people whenever something happened that they should know.
    """

    def __init__(self, folder: Path | str, *, durable: bool = True, say: Callable[[str], None] | None = None) -> None:
        self.folder = Path(folder).absolute()
        self.log_path = self.folder / "postgres.log"
        self.durable = durable
        self._say = say or (lambda line: None)
        self._cluster: Cluster | None = None
        self._socket_folder: Path | None = None
        self._lock: IO[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._error: PostgresError | None = None
        self._is_new = False
        self._started_at = 0.0

    @property
    def url(self) -> str:
        """The database's address. Known once started."""
        if self._socket_folder is None:
            raise RuntimeError("start() first")
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder), safe='/')}&port={PORT}"

    @property
    def owned(self) -> bool:
        """Whether the server is this process' child (else it attached to another's)."""
        return self._server is not None

    @property
    def pid(self) -> int | None:
        """The server's process id when we own it."""
        return self._server.pid if self._server else None

    @property
    def home(self) -> Path:
        """Where the data is: `folder`, or elsewhere when Postgres' user cannot enter that. Known once started."""
        return self._cluster.home if self._cluster else self.folder

    @property
    def is_settled(self) -> bool:
        """Whether `start()` would return or raise at once."""
        return self._settled.is_set()

    def start(self) -> EmbeddedPostgres:
        """Start the server or attach to the running one; returns when it answers.

        Raises:
            PostgresError: it cannot run here; nothing is left running.
        """
        self.begin()
        self._settled.wait()
        if self._error:
            self.stop()
            raise self._error
        return self

    def begin(self) -> None:
        """Do what `start()` does, without waiting for it."""
        if self._keeper is not None:
            return
        for event in (self._settled, self._stopping, self._hurry):
            event.clear()
        self._error = None
        # One thread starts the server and lives as long as it: the parent-death signal follows the thread that forked.
        self._keeper = threading.Thread(target=self._keep, name="postgres", daemon=True)
        self._keeper.start()
        atexit.register(self.stop)

    def stop(self, *, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Stop the server when it is ours, else leave it to its owner. Harmless the second time.

        Args:
            is_hurried: asked again and again; once it says yes, everything is cut short. Committed data stays safe.
        """
        if self._keeper is None:
            return
        self._stopping.set()
        while self._keeper.is_alive():
            self._keeper.join(0.01)
            if is_hurried():
                self._hurry.set()
        self._keeper = None
        atexit.unregister(self.stop)

    def __enter__(self) -> EmbeddedPostgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What follows runs in the keeper's thread.

    def _keep(self) -> None:
        try:
            self._cluster = prepare_cluster(self.folder)
            self._socket_folder = self._cluster.socket_folder()
            self._own_or_attach()
            self._settled.set()
            self._watch()
        except PostgresError as error:
            self._error = error
        except OSError as error:
            self._error = PostgresError(f"Postgres cannot be run in {self.folder}: {error.strerror or error}")
        finally:
            if self._error and self._settled.is_set():
                self._say(f"postgres: {self._error}")
            self._end_server()
            self._unlock()
            self._settled.set()

    def _own_or_attach(self) -> None:
        patience = time.monotonic() + 60
        while not self._stopping.is_set():
            if self._take_lock():
                self._run_server()
                return
            if self._answers():
                return
            if time.monotonic() > patience:
                raise PostgresError(
                    f"Another process has been starting Postgres in {self.folder} for a minute: see {self.log_path}"
                )
            self._stopping.wait(0.05)

    def _watch(self) -> None:
        assert self._cluster is not None
        if self.durable and self._server and self._is_new:
            # initdb left this to us; during the first seconds of work nobody waits for it.
            arguments = (self._cluster.data, self._stopping)
            threading.Thread(target=sync_tree, args=arguments, name="sync", daemon=True).start()
        failures = 0
        while not self._stopping.wait(0.1):
            if self._server is not None:
                code = self._server.poll()
                if code is None:
                    failures = 0 if time.monotonic() - self._started_at > PAUSES.steady_s else failures
                    continue
                self._server, pause_s = None, PAUSES.delay_s(failures)
                again = f"starting it again in {pause_s:.1f} s; its log: {self.log_path}"
                self._say(f"postgres ended with {ending(code)}, {again}")
                if self._stopping.wait(pause_s):
                    return
            elif self._lock is not None:  # ours, but the last attempt failed
                if self._stopping.wait(PAUSES.delay_s(failures)):
                    return
            elif self._take_lock():
                self._say("postgres: the process that ran it has ended, starting it again here")
            else:
                continue
            failures += 1
            try:
                self._run_server()
            except PostgresError as error:
                self._say(f"postgres: {error}")

    def _take_lock(self) -> bool:
        if self._lock is not None:
            return True
        lock = (self.folder / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _unlock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def _run_server(self) -> None:
        """Start the server as our child and wait until it answers. The lock is held."""
        cluster = self._cluster
        assert cluster is not None
        reap_leftovers(cluster)
        self._is_new = create_cluster(cluster)
        if self._is_new and cluster.was_moved:
            self._say(
                f"postgres: user {cluster.account.name} cannot enter {self.folder}, so its data is in {cluster.home}"
            )
        write_access(cluster)
        socket_folder = cluster.socket_folder()
        settings = {**SETTINGS, "unix_socket_directories": str(socket_folder), **({} if self.durable else THROW_AWAY)}
        command = [str(cluster.binaries / "postgres"), "-D", str(cluster.data)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        # SIGQUIT ends it within moments, without a last checkpoint; what was committed is in the write-ahead log.
        wrapped = tethered(command, on_parent_death=signal.SIGQUIT, **cluster.account.ids)
        with open_log(self.log_path) as log:
            begin = log.tell()
            self._server = subprocess.Popen(
                wrapped, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=clean_environment(),
                start_new_session=True,
            )  # fmt: skip
        self._started_at = time.monotonic()
        if self._wait_until_ready(begin):
            self._make_database()

    def _wait_until_ready(self, begin: int) -> bool:
        """Whether it is ready; False when it was asked to stop before.

        Postgres writes its state into postmaster.pid: cheaper to read every 10 ms than to connect. After a hard end it
        first repeats what its log of changes holds. On a busy machine that takes minutes, and who ended it for that
        would make it begin again: so it has all the time it needs, and only one that does not even begin is given up.
        """
        assert self._cluster is not None
        assert self._server is not None
        path, is_reported = self._cluster.data / "postmaster.pid", False
        while not self._stopping.is_set():
            if self._server.poll() is not None:
                self._server = None
                with self.log_path.open("rb") as log:
                    log.seek(begin)
                    raise PostgresError(explain(log.read().decode(errors="replace"), self._cluster.home))
            try:
                lines = path.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            state = lines[7].strip() if len(lines) >= 8 and lines[0] == str(self._server.pid) else ""
            if state == "ready":
                return True
            so_far_s = time.monotonic() - self._started_at
            if not state and so_far_s > SILENT_START_S:
                raise PostgresError(f"Postgres has not begun to start after a minute: see {self.log_path}")
            if state and not is_reported and so_far_s > SLOW_START_S:
                is_reported = True
                self._say(f"postgres is still making its data whole after a hard end; its log: {self.log_path}")
            time.sleep(0.01)
        return False

    def _make_database(self) -> None:
        # Asked at every start: an interrupted first one may have ended between initdb and here.
        with psycopg.connect(self.url, dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=5):
                return True
        except psycopg.OperationalError as error:
            if "Peer authentication failed" in str(error) or "Permission denied" in str(error):
                raise PostgresError(
                    f"The Postgres in {self.folder} was started by another OS user: use that one"
                ) from error
            return False

    def _end_server(self) -> None:
        server = self._server
        if server is None or self._cluster is None:
            return
        for number, patience_s in ((signal.SIGINT, 15.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0)):
            if number is signal.SIGINT and (self._hurry.is_set() or not self.durable):
                continue
            server.send_signal(number)
            deadline = time.monotonic() + patience_s
            while server.poll() is None and time.monotonic() < deadline:
                if number is signal.SIGINT and self._hurry.wait(0.01):
                    break
                time.sleep(0.005)
            if server.poll() is not None:
                break
        self._server = None
        with contextlib.suppress(OSError):
            self._cluster.socket_folder().rmdir()
        if self._cluster.was_moved and not self.durable:
            shutil.rmtree(self._cluster.home, ignore_errors=True)
            (self.folder / "moved-to").unlink(missing_ok=True)

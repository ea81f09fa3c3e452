"""The files of the embedded Postgres: where they are, how they are made, and how leftovers are cleared away."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from dashboard.local import folders
from dashboard.local.binaries import MAJOR_VERSION, find_binaries, reachable_binaries
from dashboard.local.os_user import Account, PostgresError, choose_account
from dashboard.local.parent_death import tethered

ROLE = DATABASE = "runboard"
PORT = 5432  # no TCP port: a part of the socket's name
SOCKET_LIMIT_BYTES = 107


@dataclass(frozen=True)
class Cluster:
    """A cluster's files. `home` is the folder asked for, or one below SYSTEM_HOME where that cannot be entered."""

    home: Path
    account: Account
    binaries: Path
    was_moved: bool

    @property
    def data(self) -> Path:
        return self.home / "data"

    def socket_folder(self) -> Path:
        """The folder of the unix socket, made and private: in `home`, or a short one when that is too deep."""
        folder = self.home / "socket"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_LIMIT_BYTES:
            key = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
            # Only root can put anything into /run, so nobody else can have made that folder before us.
            base = Path("/run") if os.geteuid() == 0 and os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108
            folder = base / f"runboard-{os.geteuid()}-{key}"
        folders.make_private(folder, self.account)
        return folder


def prepare_cluster(folder: Path) -> Cluster:
    """Choose user, folder and binaries for the cluster that belongs to `folder`, and make the folders.

    Raises:
        PostgresError: the folder cannot be written, or there is no user that may run Postgres.
    """
    try:
        folders.make_folder(folder)
        account = choose_account((_moved_to(folder) or folder) / "data")
        home = _home(folder, account)
        binaries = reachable_binaries(find_binaries(), account)
    except OSError as error:
        raise PostgresError(f"Postgres' folder {error.filename or folder} cannot be used: {error.strerror}") from error
    return Cluster(home=home, account=account, binaries=binaries, was_moved=home != folder)


def create_cluster(cluster: Cluster) -> bool:
    """Run `initdb` unless it has been done. An interrupted one leaves nothing that looks finished. True when made now.

    Raises:
        PostgresError: `initdb` failed, or the data belongs to another major version of Postgres.
    """
    version = cluster.data / "PG_VERSION"
    if version.exists():
        found = version.read_text().strip()
        if found != str(MAJOR_VERSION):
            raise PostgresError(
                f"{cluster.data} was made by Postgres {found} and this is {MAJOR_VERSION}: "
                "see 'Upgrade' in docs/operations.md"
            )
        return False
    unfinished = cluster.home / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    folders.make_private(unfinished, cluster.account)
    # We sync later, during the first seconds of work: now it would cost more than initdb itself.
    command = [
        str(cluster.binaries / "initdb"), f"--pgdata={unfinished}", f"--username={ROLE}", "--no-sync",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        "--auth-local=peer", "--auth-host=reject",
    ]  # fmt: skip
    wrapped = tethered(command, on_parent_death=signal.SIGKILL, **cluster.account.ids)
    done = subprocess.run(wrapped, cwd="/", env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise PostgresError(explain(done.stdout + done.stderr, cluster.home))
    unfinished.rename(cluster.data)
    return True


def sync_tree(folder: Path, stop: threading.Event) -> None:
    """Have everything below `folder` written to disk, file by file, until done or `stop` is set."""
    for path in folder.rglob("*"):
        if stop.is_set():
            return
        with contextlib.suppress(OSError):  # gone meanwhile, or a socket
            number = os.open(path, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def write_access(cluster: Cluster) -> None:
    """Let the OS user that runs us be the role ROLE over the socket (peer authentication), and nobody else in."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    for name, text in (
        ("pg_hba.conf", f"local all {ROLE} peer map={ROLE}\n"),
        ("pg_ident.conf", f'{ROLE} "{me}" {ROLE}\n'),
    ):
        path = cluster.data / name
        path.write_text(f"# Written at every start.\n{text}")
        os.chown(path, cluster.account.uid, cluster.account.gid)
        path.chmod(0o600)


def clean_environment() -> dict[str, str]:
    """The environment for Postgres' programs: no PGDATA, no PGPORT, no message in another language."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def explain(output: str, home: Path) -> str:
    """One sentence for what Postgres' programs printed before they failed."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"The disk that holds {home} is full: free at least 200 MB and start again"
    if "Read-only file system" in output:
        return f"{home} lies on a read-only file system: set RUNBOARD_DATA to a folder that can be written"
    if "could not create shared memory segment" in output or "could not map anonymous shared memory" in output:
        return "This machine has too little memory left for Postgres: about 200 MB are needed"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error:", "could not"))]
    return f"Postgres did not start: {(telling or lines or ['it said nothing'])[-1]}"


def server_processes(data: Path) -> list[int]:
    """Process ids of every postgres that has `data` as its working folder: the postmaster and all its children."""
    wanted, found = os.path.realpath(data), []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{name}/cwd") == wanted and Path(f"/proc/{name}/comm").read_text() == "postgres\n":
                found.append(int(name))
        except OSError:
            continue  # ended meanwhile, or not ours to look at
    return sorted(found)


def reap_leftovers(cluster: Cluster) -> None:
    """End a server that a killed supervisor left behind, and remove the traces that would stop the next one.

    Only for the holder of the cluster's lock: then whatever still works in this folder belongs to nobody.
    """
    patience = time.monotonic() + 5
    for pid in server_processes(cluster.data):
        _signal(pid, signal.SIGQUIT)
    while left := server_processes(cluster.data):
        if time.monotonic() > patience:
            for pid in left:
                _signal(pid, signal.SIGKILL)
        time.sleep(0.02)
    # A stale file whose number now belongs to another process of the same user would make Postgres refuse to start.
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    for socket in cluster.socket_folder().glob(".s.PGSQL.*"):
        socket.unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _moved_to(folder: Path) -> Path | None:
    try:
        home = Path((folder / "moved-to").read_text().strip())
    except FileNotFoundError:
        return None
    return home if home.is_dir() else None


def _home(folder: Path, account: Account) -> Path:
    if moved := _moved_to(folder):
        return moved
    if account.can_use(folder):
        return folder
    # A token besides the folder's name: deleting the folder means a new database, not the old one.
    key = f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}-{secrets.token_hex(3)}"
    folders.make_folder(folders.SYSTEM_HOME)
    home = folders.SYSTEM_HOME / key
    home.mkdir()
    home.chmod(0o711)
    (home / "belongs-to").write_text(f"{folder}\n")
    (folder / "moved-to").write_text(f"{home}\n")
    return home

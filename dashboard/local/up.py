"""`manage.py up`: everything Runboard needs on one machine, started together and ended together."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet

from dashboard.env import (
    BASE_DIR,
    DATABASE_URL_FILE,
    ENCRYPTION_KEYS_FILE,
    SECRET_KEY_FILE,
    Environment,
    debug_of,
    read_environment,
)
from dashboard.local.folders import make_folder
from dashboard.local.instance_lock import AlreadyRunning, be_the_only_one, refuse_a_second
from dashboard.local.keys import ensure_local_keys, write_private
from dashboard.local.parent_death import die_with_parent
from dashboard.local.ports import port_problem
from dashboard.local.postgres import EmbeddedPostgres, PostgresError
from dashboard.local.sample_server import SampleServer
from dashboard.local.service import Service
from dashboard.local.supervisor import ProgramFailed, StopAsked, Supervisor

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
PASSWORD = "RUNBOARD_ADMIN_PASSWORD"  # noqa: S105 - a variable's name
SAY_AGAIN_S = 20.0
STOP_PATIENCE_S = 30.0


class CannotStart(Exception):
    """Nothing, or not everything, could be started. The message is one sentence with what to do."""


def main(arguments: list[str]) -> int:
    """Check, start, keep and end everything; returns the exit code.

    Raises:
        BadSetting: a variable is missing or wrong; nothing was started or written.
    """
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    parser.add_argument(
        "--end-with-parent", action="store_true", help="end when the program that started this one ends (make run)"
    )
    options = parser.parse_args(arguments)
    if options.end_with_parent:
        die_with_parent(signal.SIGTERM)
    if not os.environ.get("DEBUG", "").strip():
        os.environ["DEBUG"] = "true"
    environment = check_environment(os.environ)
    try:
        check_machine(environment)
        with Supervisor(say) as supervisor:
            return run(supervisor, environment)
    except (CannotStart, PostgresError) as error:
        print(f"runboard: {error}", file=sys.stderr)
        return 1


def check_environment(environ: Mapping[str, str]) -> Environment:
    """What the environment says, with a stand-in for each of the things that `up` itself is going to make.

    Raises:
        BadSetting: a variable is missing or wrong.
    """
    trial = dict(environ)
    made_here = {"DATABASE_URL": (DATABASE_URL_FILE, "postgresql://runboard@/runboard")}
    if debug_of(environ):
        made_here["SECRET_KEY"] = (SECRET_KEY_FILE, "-" * 50)
        made_here["RUNBOARD_ENCRYPTION_KEYS"] = (ENCRYPTION_KEYS_FILE, Fernet.generate_key().decode())
    for variable, (_, stand_in) in made_here.items():
        if not trial.get(variable, "").strip():
            trial[variable] = stand_in
    return read_environment(trial)


def check_machine(environment: Environment) -> None:
    """Refuse to start where it cannot end well: the port, the state folder, a given database.

    Raises:
        CannotStart: with what to do.
    """
    try:
        refuse_a_second(environment.data_dir)
        if problem := port_problem(environment.host, environment.port):
            raise CannotStart(problem)
        make_folder(environment.data_dir)
        be_the_only_one(environment.data_dir, address(environment))
        if environment.debug:
            ensure_local_keys(environment.data_dir)
    except AlreadyRunning as error:
        where = f" on {error.address}" if error.address else ""
        raise CannotStart(
            f"Runboard runs already{where} with the state folder {environment.data_dir}: open it there, end it first, "
            "or set RUNBOARD_DATA to another folder for a second one"
        ) from error
    except OSError as error:
        raise CannotStart(
            f"The state folder {environment.data_dir} cannot be written ({(error.strerror or str(error)).lower()}): "
            "set RUNBOARD_DATA to a folder that can"
        ) from error
    if url := os.environ.get("DATABASE_URL", "").strip():
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            raise CannotStart(f"DATABASE_URL cannot be reached: {str(error).strip().splitlines()[0]}") from error


def run(supervisor: Supervisor, environment: Environment) -> int:
    """Start everything in its order, print the link, and keep it all until somebody asks to stop."""
    data_dir = environment.data_dir
    # Setup needs it, once, and nobody else: it stays in no environment.
    password = os.environ.pop(PASSWORD, "")
    postgres = None if os.environ.get("DATABASE_URL", "").strip() else EmbeddedPostgres(data_dir / "postgres", say=say)
    sample = None if environment.langgraph_url else SampleServer(data_dir, say=say)
    os.environ["RUNBOARD_DATA"] = str(data_dir)
    try:
        if sample:
            supervisor.start(sample.service)
        if postgres:
            postgres.begin()
            supervisor.wait_for(lambda: postgres.is_settled, every_s=0.01)
            postgres.start()  # raises what went wrong
            os.environ["DATABASE_URL"] = postgres.url
            write_private(data_dir / DATABASE_URL_FILE, postgres.url)
        done = setup(supervisor, data_dir, sample, password)
        web = start_own(supervisor, environment)

        def is_healthy() -> bool:
            return health(environment, web)[0]

        wait_until(supervisor, is_healthy, lambda: say(f"not healthy yet: {health(environment, web)[1]}"))
        if sample:
            wait_until(supervisor, sample.is_ready, lambda: say("the sample graphs' server is not up yet"))
        greet(environment, done, sample, postgres)
        while True:
            supervisor.wait_for(lambda: sample is not None and sample.has_moved, every_s=0.5)
            assert sample
            register_again(supervisor, data_dir, sample)
    except StopAsked:
        say("Stopping")
        return 0
    finally:
        supervisor.stop_all()
        if postgres:
            postgres.stop(is_hurried=supervisor.is_hurried)


def setup(supervisor: Supervisor, data_dir: Path, sample: SampleServer | None, password: str = "") -> dict[str, Any]:
    """Migrate, make the first user, register the LangGraph server: one process, as each start of Django costs 1 s."""
    env = {**os.environ, **({"LANGGRAPH_URL": sample.url, "LANGGRAPH_API_KEY": ""} if sample else {})}
    if password:
        env[PASSWORD] = password
    log_path = data_dir / "logs" / "setup.log"
    try:
        printed = supervisor.run([*MANAGE, "local_setup"], env=env, cwd=BASE_DIR, log_path=log_path)
        done: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    except (ProgramFailed, ValueError, IndexError) as error:
        raise CannotStart(f"The database could not be prepared: {error}; its log: {log_path}") from error
    return done


def register_again(supervisor: Supervisor, data_dir: Path, sample: SampleServer) -> None:
    """Tell the database where the sample graphs are now: their port was taken when they were started again."""
    sample.has_moved = False
    try:
        setup(supervisor, data_dir, sample)
        say(f"langgraph: its port was taken, the sample graphs are now on {sample.url}")
    except CannotStart as error:
        say(str(error))
        supervisor.wait_for(lambda: False, timeout_s=SAY_AGAIN_S)
        sample.has_moved = True


def start_own(supervisor: Supervisor, environment: Environment) -> Service:
    """Start web and worker; returns the web's service."""
    logs = environment.data_dir / "logs"
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    # -v 0: no access log, because the addresses of share and sign-in links are secrets.
    daphne = [sys.executable, "-m", "daphne", "-v", "0", "-b", environment.host, "-p", str(environment.port)]
    web = supervisor.start(
        Service("web", [*daphne, "dashboard.asgi:application"], logs / "web.log", env=env, cwd=BASE_DIR)
    )
    # Started last and ended first: it needs the others to hand its leases back.
    patience_s = environment.stop_grace_s + STOP_PATIENCE_S
    supervisor.start(
        Service("worker", [*MANAGE, "run_worker"], logs / "worker.log", env=env, cwd=BASE_DIR, patience_s=patience_s)
    )
    return web


def wait_until(supervisor: Supervisor, condition: Callable[[], bool], complain: Callable[[], None]) -> None:
    """Wait for `condition`, however long it takes, and say now and then what is still missing."""
    while not supervisor.wait_for(condition, timeout_s=SAY_AGAIN_S, every_s=0.1):
        complain()


def health(environment: Environment, web: Service) -> tuple[bool, str]:
    """Whether /healthz says that all is well, and what it says."""
    if web.process is None:
        return False, "the web process is not running"
    connection = HTTPConnection(reachable(environment.host), environment.port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_name(environment)})
        answer = connection.getresponse()
        return answer.status == 200, answer.read(2000).decode(errors="replace").strip()
    except (OSError, HTTPException) as error:
        return False, f"the web process does not answer ({error})"
    finally:
        connection.close()


def greet(
    environment: Environment, done: Mapping[str, Any], sample: SampleServer | None, postgres: EmbeddedPostgres | None
) -> None:
    """Tell the newcomer where to go; five lines, and one more for a password that was made now."""
    say(f"Database: {f'embedded Postgres in {postgres.home}' if postgres else 'DATABASE_URL'}")
    say(f"LangGraph: {f'sample graphs on {sample.url}' if sample else environment.langgraph_url}")
    say(f"Logs: {environment.data_dir / 'logs'}")
    if done["password"]:
        say(f"User: {done['username']}, password: {done['password']} (shown only this once)")
    say(f"Runboard is ready. Open this link, it signs you in once: {address(environment)}{done['sign_in']}")
    say("Ctrl-C ends everything.")


def address(environment: Environment) -> str:
    """Where a browser finds us: behind a proxy the first trusted origin, else the port itself."""
    if environment.csrf_trusted_origins:
        return environment.csrf_trusted_origins[0]
    host = reachable(environment.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{environment.port}"


def host_name(environment: Environment) -> str:
    """A host name that Django answers to."""
    name = environment.allowed_hosts[0].lstrip(".")
    return "localhost" if name == "*" else name


def reachable(host: str) -> str:
    """The address under which a browser on this machine finds what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def say(line: str) -> None:
    """A line for the person at the terminal."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Nobody reads any more, which is no reason to end; and Python shall not complain of it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

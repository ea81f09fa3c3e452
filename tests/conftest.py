"""Fixtures for every test. The embedded Postgres starts when the first test needs it and ends with the session."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management import call_command
from django.db import connections
from whitenoise.base import WhiteNoise

from dashboard.local.postgres import EmbeddedPostgres
from tests.environment import DATA_DIR
from tests.flushing import quick_flush  # noqa: F401 - a fixture
from tests.prepared import Turn

MUST_RUN = ("tests/contract", "tests/browser")


@pytest.fixture(scope="session")
def _migrated() -> Turn:
    """Of processes side by side the first migrates."""
    return Turn(Path(DATA_DIR) / "postgres")


@pytest.fixture(scope="session")
def _embedded(_migrated: Turn) -> Iterator[EmbeddedPostgres]:
    _migrated.begin()
    server = EmbeddedPostgres(Path(DATA_DIR) / "postgres", durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database goes with its Postgres. One that was copied is taken as it is."""
    return True


@pytest.fixture(scope="session")
def django_db_setup(_migrated: Turn, _embedded: EmbeddedPostgres, django_db_setup: None) -> None:
    """The test database, migrated; the first process leaves a copy of its Postgres for the others."""
    if not _migrated.is_ours:
        return
    if _embedded.home != _embedded.folder:  # where Postgres' user may not enter this one's
        _migrated.end()
        return
    connections.close_all()
    with psycopg.connect(_embedded.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # it is ended hard, and nobody has to repeat the migrations from its log
    _embedded.stop()
    _migrated.leave()
    _embedded.start()


@pytest.fixture(scope="session")
def postgres(_embedded: EmbeddedPostgres, django_db_setup: None) -> EmbeddedPostgres:
    """The embedded Postgres of this test session."""
    return _embedded


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Passwords are hashed as in production, but in a thousandth of its memory and time."""
    hasher = Argon2PasswordHasher
    hasher.time_cost, hasher.memory_cost, hasher.parallelism = 1, 64, 1


@pytest.fixture(scope="session", autouse=True)
def _known_static_files() -> None:
    """Every test client has middleware of its own, but none looks through the static files again."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    look = WhiteNoise.update_files_dictionary

    def look_once(self: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in known:
            look(self, root, prefix)
            known[root, prefix] = dict(self.files)
        self.files.update(known[root, prefix])

    WhiteNoise.update_files_dictionary = look_once


@pytest.fixture
def postgres_comes_back(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Restore the database after a test, whatever it did to it."""
    yield
    postgres.start()
    connections.close_all()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(_embedded: EmbeddedPostgres) -> None:
    """Point Django, and everything that listens, at the embedded Postgres before the test database is made."""
    from dashboard import settings as module

    database = module._database(_embedded.url)
    # Tests make and drop databases; a pool would hold connections to them.
    database["OPTIONS"].pop("pool")
    connection = connections["default"]
    connection.settings_dict.update(database)
    name = connection.creation._get_test_db_name()
    settings.DATABASE_URL = _embedded.url.replace("/runboard?", f"/{name}?")


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The address of the test database, for processes that tests start."""
    return str(settings.DATABASE_URL)


@pytest.fixture(scope="session")
def static_files() -> None:
    """The hashed static files, as an installation with DEBUG off has them."""
    collected = Turn(settings.STATIC_ROOT)
    if not collected.begin():
        call_command("collectstatic", interactive=False, verbosity=0)
    if collected.is_ours:
        collected.leave()


@pytest.fixture
async def coroutine_connections() -> AsyncIterator[None]:
    """The thread that serves coroutines keeps a connection of its own; left open it holds up the database's end."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a skipped contract or browser test is a failure: what did not run has proved nothing."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("CI") and item.nodeid.startswith(MUST_RUN) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI, where contract and browser tests must run."

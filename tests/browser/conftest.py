"""A real browser on a real web process. No worker: the tests move runs themselves, by the steps a worker takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from dashboard.local.browser import find_chromium
from dashboard.teams.models import Role, Team, User
from tests.factories import make_server, make_team, make_user

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a password for tests"
expect.set_options(timeout=10_000)


class Web:
    """Daphne on a port of its own, which it keeps when it is started again."""

    def __init__(self, database_url: str) -> None:
        self._env = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
        self._env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "dashboard.asgi:application"], env=self._env, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, "the web process ended at its start"
            assert time.monotonic() < deadline, "the web process does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/accounts/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="package")
def web(database_url: str, static_files: None) -> Iterator[Web]:
    """The web process of all browser tests."""
    process = Web(database_url)
    process.start()
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    # For this package only: the loop of Playwright's synchronous API would be in the way of asynchronous tests.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
    connections.close_all()  # others than those inside of Playwright's loop; a test may have restarted their Postgres


def chromium_path() -> str:
    """Where Chromium is on this machine."""
    found = os.environ.get("CHROMIUM") or find_chromium()
    assert found, "There is no Chromium. Install it (apt-get install chromium), or give its path in CHROMIUM."
    return found


@pytest.fixture(autouse=True)
def _queries_beside_playwright(transactional_db: None, monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    """Tests have rows that the web process sees. Playwright's loop runs in this thread, but awaits nothing of ours."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def team(_queries_beside_playwright: None) -> Team:
    team = make_team("Search quality")
    make_server(team, name="local")
    return team


@pytest.fixture
def user(team: Team) -> User:
    return make_user(team, username="ada", role=Role.ADMIN)


Open = Callable[..., BrowserContext]


@pytest.fixture
def open_browser(chromium: Browser, web: Web) -> Iterator[Open]:
    """Opens a browser, signed in as the given person. What its pages complain of in their console fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_as(person: User | None = None, **options: object) -> BrowserContext:
        options.setdefault("base_url", web.url)
        options.setdefault("reduced_motion", "reduce")  # what turns all the time costs a core all the time
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        if person is not None:
            client = Client()
            client.force_login(person)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": options["base_url"]}])
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        contexts.append(context)
        return context

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_browser: Open, user: User) -> Page:
    """A page of a signed-in person, at desk size."""
    return open_browser(user, viewport={"width": 1280, "height": 800}).new_page()

"""Open pages: their WebSockets, and what they show of each run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.sockets import Socket

SHOWN = re.compile(rb'id="run-([0-9a-f-]{36})-status"[^>]* data-run-status="(\w+)"[^>]* data-version="(\d+)"')
BACK_AFTER_S = 0.5
FIRST_ROWS = 25
"""The rows of a list that are looked at: a snapshot brings 50, and some have moved below it since."""


@dataclass(frozen=True)
class Shown:
    """What a page shows of a run, or what the database holds of it."""

    status: str
    version: int


@dataclass
class Page:
    """One open page. It reconnects when its socket breaks, as `static/js/socket.js` does.

    Attributes:
        run_id: Whose page it is; "" is the list of all runs.
        drops: How often its socket broke.
        steps_back: Runs it showed in an older version than before.
    """

    name: str
    port: int
    cookie: str
    run_id: str = ""
    shows: dict[str, Shown] = field(default_factory=dict)
    drops: int = 0
    steps_back: list[str] = field(default_factory=list)
    is_open: bool = False

    async def stay_open(self) -> None:
        """Show what comes, until cancelled."""
        path = f"/ws/runs/{self.run_id}/" if self.run_id else "/ws/runs/"
        while True:
            socket = Socket(self.port, path, self.cookie)
            try:
                await socket.open()
                self.shows.clear()  # a page that comes back fetches all it shows
                self.take(await socket.text())
                self.is_open = True
                while True:
                    self.take(await socket.text())
            except (OSError, EOFError):
                self.drops += self.is_open
                self.is_open = False
            finally:
                socket.close()
            await asyncio.sleep(BACK_AFTER_S)

    def take(self, html: bytes) -> None:
        for run_id, status, version in SHOWN.findall(html):
            key, now = run_id.decode(), Shown(status.decode(), int(version))
            before = self.shows.get(key)
            if before is not None and before.version > now.version:
                self.steps_back.append(f"{key}: {before} -> {now}")
            else:
                self.shows[key] = now

    def behind(self, database: Mapping[str, Shown]) -> list[str]:
        """What it shows that is older than `database`, a look at it at some moment, newest runs first."""
        found = []
        for run_id in [self.run_id] if self.run_id else self._rows(database):
            held, shown = database.get(run_id), self.shows.get(run_id)
            if held is None:  # launched after that look
                continue
            if shown is None:
                found.append(f"{self.name}: shows nothing of {run_id}, which is {held}")
            elif shown.version < held.version or (shown.version == held.version and shown.status != held.status):
                found.append(f"{self.name}: {run_id} is {held}, shown is {shown}")
        return found

    def _rows(self, database: Mapping[str, Shown]) -> list[str]:
        """The rows that a list must have: the first ones, but for those below all it shows since it was opened."""
        rows = list(database)[:FIRST_ROWS]
        lowest = max((index for index, run_id in enumerate(rows) if run_id in self.shows), default=-1)
        return rows[: lowest + 1]


class OpenPages:
    """Every page that is open."""

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._tasks: list[asyncio.Task[None]] = []
        self.pages: list[Page] = []

    def open(self, name: str, port: int, run_id: str = "") -> Page:
        page = Page(name, port, self._cookie, run_id)
        self.pages.append(page)
        self._tasks.append(asyncio.create_task(page.stay_open()))
        return page

    def behind(self, database: Mapping[str, Shown]) -> list[str]:
        """What any page shows that is older than `database`; a page without a socket counts as showing nothing."""
        closed = [f"{page.name}: its line is not open" for page in self.pages if not page.is_open]
        return closed + [line for page in self.pages for line in page.behind(database)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

"""A soak from its beginning to its verdict."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection

from dashboard.local.postgres import EmbeddedPostgres
from dashboard.runs.statuses import ENDS
from tests.bench.measuring import Table
from tests.factories import make_server, make_team, make_user
from tests.soak.environment import Stage, Weight, keep_logs, stage, weight_of
from tests.soak.faults import AWAY_LONG, SLOW, Faults
from tests.soak.pages import OpenPages
from tests.soak.scenarios import KINDS, Kind
from tests.soak.users import Users
from tests.soak.verdict import Findings, ends_by_kind, judge_runs, judge_weight, kept_runs

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ")
WARM_UP = (
    *("plain", "plain", "stateless", "stateless kept", "asks", "fails", "cut between heartbeats"),
    *("big state", "state: a million short keys", "state: 9 MB of text"),
)
WARM_UP_LONG = ("24 MB", "24 MB", "64 MB")
SHORT_S = 120.0
LONG_S = 300.0
PAUSE_S = (1.5, 5.0)
PAUSE_SHORT_S = (0.3, 1.2)
LAST_RUNS = 20
LOOK_ON_S = 3.0
RUN_PAGES = 30
CURRENT_WITHIN_S = 2.0
ENDED_WITHIN_S = 180.0
"""So long after the last fault every run has ended: leases run out, backoffs of up to 15 s and one of a minute."""
MOST_GROWTH = Weight(memory_mb=60, descriptors=40)
"""What a healthy process may have gained. Memory: 30 MB of kept renderings, and what the allocator does not give back
of large states beyond what it kept of those in the warm-up; a leak of 100 KB for each run would be more within hundreds
of runs. Descriptors: a full database pool (12) and the kept-alive connections of one LangGraph client (20), which come
with load and are closed lazily."""


async def play(postgres: EmbeddedPostgres, folder: Path, *, minutes: float, seed: int) -> int:
    """Play it and print the verdict; 0 when nothing is wrong."""
    await sync_to_async(call_command)("migrate", verbosity=0)
    await sync_to_async(call_command)("collectstatic", interactive=False, verbosity=0)
    async with stage(postgres, folder) as made:
        soak = Soak(made, minutes * 60, seed)
        findings = await soak.play()
        if not findings.is_right:
            print(f"\n{findings.text()}\n\nLogs: {keep_logs(folder)}; again with SOAK_SEED={seed}", flush=True)
        for table in (*soak.tables, findings.table(f"Soak, seed {seed}: found wrong")):
            print(f"\n{table.text()}", flush=True)
    return 0 if findings.is_right else 1


class Soak:
    """One soak of so many seconds."""

    def __init__(self, made: Stage, seconds: float, seed: int) -> None:
        self._stage = made
        self._seconds = seconds
        self._is_long = seconds >= LONG_S
        self._chance = random.Random(seed)
        self._users = Users(tuple(web.url for web in made.webs), random.Random(seed + 1))
        pause_s, once = (PAUSE_SHORT_S, SLOW) if seconds < SHORT_S else (PAUSE_S, (AWAY_LONG,))
        self._faults = Faults(made, random.Random(seed + 2), pause_s, is_long=self._is_long, once=once)
        self._tasks: set[asyncio.Task[None]] = set()
        self.tables: list[Table] = []

    async def play(self) -> Findings:
        await self._prepare()
        began = time.monotonic()
        before = await self._weights()
        pages = self._open_pages()
        faults = asyncio.create_task(self._faults.stream())
        await self._launch(pages, until=began + self._seconds - 15)
        await self._faults.stop(faults)
        late, lag_s = await self._last_fault(pages)
        await self._wait_for_ends()
        late_at_end, _ = await self._time_until_current(pages)
        drops = sum(page.drops for page in pages.pages if page.port == self._stage.webs[0].port)
        steps_back = [f"{page.name}: {step}" for page in pages.pages for step in page.steps_back]
        await pages.close()
        after = await self._weights(at_most=before)
        records: Any = await self._stage.tell_server("records")
        await self._users.close()

        findings = await sync_to_async(self._judge)(records)
        findings.wrong |= {
            "pages not current soon after the last fault": late,
            "pages not current at the end": late_at_end,
            "pages that went back in time": steps_back,
            "wrong answers of web processes": self._users.wrong,
            "processes that ended by themselves": self._stage.died + self._faults.wrong,
            "exceptions nobody caught": exceptions_in(self._stage.logs),
            "processes that have grown": judge_weight(before, after, MOST_GROWTH),
        }
        self.tables = [await sync_to_async(ends_by_kind)(self._users.launched), self._story(pages, lag_s, drops)]
        for name in after:
            self.tables[-1].ratio(
                f"memory of the {name}", after[name].memory_mb, before[name].memory_mb, "MB", than="after the warm-up"
            )
            self.tables[-1].ratio(
                f"descriptors of the {name}",
                after[name].descriptors,
                before[name].descriptors,
                "",
                than="after the warm-up",
            )
        return findings

    def _judge(self, records: Any) -> Findings:
        return judge_runs(
            kept_runs(),
            self._users.launched,
            records,
            self._faults.log,
            read=self._users.read,
            answered=self._users.answered,
        )

    # Acts.

    async def _prepare(self) -> None:
        team = await sync_to_async(make_team)("Soak")
        await sync_to_async(make_user)(team, username="ada", password="long enough")
        for manner, url in self._stage.server_urls.items():
            server = await sync_to_async(make_server)(team, url=url, name=manner)
            self._users.servers[manner] = str(server.pk)
        await sync_to_async(leave_database)()
        await self._users.sign_in("ada", "long enough")
        await self._warm_up((*WARM_UP, *WARM_UP_LONG) if self._is_long else WARM_UP)

    async def _warm_up(self, names: Sequence[str]) -> None:
        """Let those processes have had the largest states that stay until the end: what they gain later is a leak."""
        other, urls = self._stage.workers[0].pid, self._users.urls
        os.kill(other, signal.SIGSTOP)
        self._users.urls = (self._stage.webs[0].url,)
        await asyncio.gather(*(self._users.play(KINDS[name]) for name in names))
        await self._wait_for_ends()
        self._users.urls = urls
        os.kill(other, signal.SIGCONT)

    def _open_pages(self) -> OpenPages:
        pages = OpenPages(self._users.cookie)
        for name, web in zip("ab", self._stage.webs, strict=True):
            pages.open(f"list on web {name}", web.port)
        return pages

    async def _launch(self, pages: OpenPages, *, until: float) -> None:
        """Launch runs until then, and open the pages of some."""
        is_short = self._seconds < SHORT_S
        per_s = 3.5 if is_short else 1.5
        expected = per_s * (until - time.monotonic())
        opened = 0
        for kind in self._kinds(until, is_short):
            if time.monotonic() >= until and self._faults.all_happened.is_set():
                break
            self._background(self._users.play(kind))
            seen = len(self._users.launched)
            await asyncio.sleep(self._chance.expovariate(per_s))
            for launched in self._users.launched[seen:]:
                if opened < RUN_PAGES and self._chance.random() < RUN_PAGES / expected:
                    opened += 1
                    web = self._chance.randrange(2)
                    pages.open(f"{launched.kind.name} on web {'ab'[web]}", self._stage.webs[web].port, launched.run_id)

    def _kinds(self, until: float, is_short: bool) -> Iterator[Kind]:
        """Every kind once, the slow ones first, then by weight; none that could not come to its end."""
        kinds = [
            kind
            for kind in KINDS.values()
            if kind.is_alone and not (is_short and kind.takes_s > 60) and (self._is_long or not kind.is_long)
        ]
        self._chance.shuffle(kinds)
        yield from sorted(kinds, key=lambda kind: -kind.takes_s if kind.takes_s > 30 else 0)
        given = Counter(kind.name for kind in kinds)
        while True:
            left = until - time.monotonic()
            fitting = [
                kind
                for kind in kinds
                if kind.takes_s <= max(left, 0) + 15 and (kind.at_most is None or given[kind.name] < kind.at_most)
            ]
            kind = self._chance.choices(fitting, [kind.weight for kind in fitting])[0]
            given[kind.name] += 1
            yield kind

    def _background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

    async def _last_fault(self, pages: OpenPages) -> tuple[list[str], float]:
        """The worst fault for pages, in the middle of changes. Returns the late pages, and the longest delay."""
        await self._time_until_current(pages)  # a page that lost its line before comes back at its own pace
        for _ in range(LAST_RUNS):
            self._background(self._users.play(KINDS["plain"]))
        await asyncio.sleep(0.5)
        await self._faults.happen_last()
        began, late, lag_s = time.monotonic(), [], 0.0
        while time.monotonic() < began + LOOK_ON_S:
            found, took = await self._time_until_current(pages)
            late += found
            lag_s = max(lag_s, took)
            await asyncio.sleep(0.05)
        return late, lag_s

    # Looking.

    async def _wait_for_ends(self) -> None:
        """Until every run has ended and everybody is done with theirs, or for so long that the verdict is clear."""
        ends = time.monotonic() + ENDED_WITHIN_S
        while True:
            running = [run_id for run_id, held in (await self._stage.look()).items() if held.status not in ENDS]
            waiting = [task for task in self._tasks if not task.done()]
            if not running and not waiting:
                break
            if time.monotonic() > ends:
                for task in waiting:
                    task.cancel()
                break
            await asyncio.sleep(0.3)
        for task in self._tasks:
            if task.done():
                task.result()

    async def _time_until_current(self, pages: OpenPages) -> tuple[list[str], float]:
        """The pages that do not show what the database holds now in time, and how long the last one takes."""
        database = await self._stage.look()
        began = time.monotonic()
        late: list[str] | None = None
        while True:
            behind = pages.behind(database)
            took = time.monotonic() - began
            if late is None and (took >= CURRENT_WITHIN_S or not behind):
                late = behind
            if not behind or took > 30:
                return late or [], took
            await asyncio.sleep(0.02)

    async def _weights(self, at_most: dict[str, Weight] | None = None) -> dict[str, Weight]:
        """What the long-lived processes hold once they are quiet: given a moment to close what they keep open."""
        ends = time.monotonic() + 15
        while True:
            found = {name: weight_of(program.pid) for name, program in self._stage.long_lived.items()}
            if at_most is None or not judge_weight(at_most, found, MOST_GROWTH) or time.monotonic() > ends:
                return found
            await asyncio.sleep(0.5)

    def _story(self, pages: OpenPages, lag_s: float, drops: int) -> Table:
        table = Table("What happened")
        table.figure("runs launched through the form", len(self._users.launched))
        for name in self._faults.deck:
            table.figure(name, sum(1 for each in self._faults.log if each.what == name), "times")
        table.figure("open pages", len(pages.pages))
        table.figure("lines of pages of the web process that stays, that broke", drops)
        table.figure(
            "pages current after the last fault",
            lag_s,
            "s",
            wanted=f"under {CURRENT_WITHIN_S:g} s",
            is_met=lag_s < CURRENT_WITHIN_S,
        )
        return table


def exceptions_in(logs: Path) -> list[str]:
    """What each traceback in the logs ends with."""
    return [f"{log.name}: {line}" for log in sorted(logs.glob("*.log")) for line in uncaught(log)]


def uncaught(log: Path) -> Iterator[str]:
    """The line after each traceback, which names the exception; not of pages that answered 503, as they should."""
    is_inside, before = False, ""
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("Traceback"):
            is_inside = True
        elif is_inside and line and not line.startswith((" ", "\t")):
            is_inside = False
            if "Service Unavailable" not in before:
                yield f"{before}: {line}"
        elif not is_inside and LOG_LINE.match(line):
            before = line


def leave_database() -> None:
    """Keep no connection of our own open: it would be ended with the others."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]

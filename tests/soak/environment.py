"""The processes of a soak: Postgres, the lying server, two workers, two web processes, and their supervision."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dashboard.local.postgres import EmbeddedPostgres
from tests.bench.measuring import usage_of
from tests.processes import Program, Web, Worker
from tests.soak.pages import Shown
from tests.soak.relay import SoakRelay

ROOT = Path(__file__).resolve().parents[2]
HEARTBEAT_S = 0.25
CONCURRENCY = 300
RESTART_S = 0.5
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Weight:
    """What a process holds at a quiet moment."""

    memory_mb: float
    descriptors: int


def weight_of(pid: int) -> Weight:
    return Weight(usage_of(pid).memory_mb, len(os.listdir(f"/proc/{pid}/fd")))


class SoakWorker(Worker):
    """A worker on a machine whose clock can be wrong.

    Attributes:
        clock_off_s: By how many seconds, from its next start on.
    """

    clock_off_s = 0

    def start(self) -> None:
        self._env |= {"TESTS_CLOCK_OFF_S": str(self.clock_off_s), "PYTHONPATH": str(ROOT / "tests" / "clock_off")}
        super().start()


@dataclass
class Stage:
    """The processes. The second worker and the first web process live as long as the soak; the others are replaced.

    The first web process has its lines to Postgres through the relay.

    Attributes:
        server_urls: The addresses of the lying servers, by manner.
        started: Every program that was ever started.
        down: Programs that are down because a fault wants it so.
        died: Programs that ended although nobody had asked them to.
    """

    postgres: EmbeddedPostgres
    server: Program
    server_urls: dict[str, str]
    workers: tuple[SoakWorker, SoakWorker]
    webs: tuple[Web, Web]
    relay: SoakRelay
    logs: Path
    started: list[Program]
    down: set[Program] = field(default_factory=set)
    died: list[str] = field(default_factory=list)

    @property
    def long_lived(self) -> dict[str, Program]:
        return {"worker": self.workers[1], "web process": self.webs[0]}

    async def look_after(self) -> None:
        """Restart what ends by itself, as an operator would; that is also reported, because it should not happen."""
        while True:
            for program in (*self.workers, *self.webs):
                if program not in self.down and not program.is_running:
                    self.died.append(f"{program.name} ended by itself, exit code {program.ended(within_s=1)}")
                    program.start()
            await asyncio.sleep(LOOK_EVERY_S)

    def start_worker(self) -> SoakWorker:
        """One more, which nobody looks after until it is one of `workers`."""
        worker = SoakWorker(
            self.postgres.url, concurrency=CONCURRENCY, log=self.logs / f"worker-{len(self.started)}.log"
        )
        worker.start()
        self.started.append(worker)
        return worker

    async def tell_server(self, word: str) -> object:
        return await asyncio.to_thread(self.server.ask, word)

    async def look(self) -> dict[str, Shown]:
        """Every run's status and version as the database holds them, newest first."""
        async with await self.connect() as line:
            rows = await line.execute("SELECT id, status, version FROM runs_run ORDER BY created_at DESC, id DESC")
            return {
                str(run_id): Shown(str(status), int(str(version))) for run_id, status, version in await rows.fetchall()
            }

    async def connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        return await psycopg.AsyncConnection.connect(self.postgres.url, autocommit=True, connect_timeout=5)


@asynccontextmanager
async def stage(postgres: EmbeddedPostgres, folder: Path) -> AsyncIterator[Stage]:
    """Everything started; ended again however the soak ends. Postgres is the caller's."""
    logs = folder / "logs"
    logs.mkdir()
    url = postgres.url
    server = Program("-m", "tests.soak.fake_server", str(HEARTBEAT_S), log=logs / "server.log")
    relay = SoakRelay(url)
    workers = tuple(SoakWorker(url, concurrency=CONCURRENCY, log=logs / f"worker-{n}.log") for n in "ab")
    webs = (Web(relay.url, log=logs / "web-a.log"), Web(url, log=logs / "web-b.log"))
    programs = (server, *workers, *webs)
    started: list[Program] = []
    try:
        for program in programs:
            program.start()
            started.append(program)
        server_urls: Any = await asyncio.to_thread(server.hear)
        assert len(workers) == 2
        made = Stage(postgres, server, server_urls, workers, webs, relay, logs, started)
        for web in webs:
            while not await asyncio.to_thread(web.is_up):
                await asyncio.sleep(0.1)
        keeper = asyncio.create_task(made.look_after())
        try:
            yield made
        finally:
            keeper.cancel()
    finally:
        for program in reversed(started):
            if program.is_running:
                program.stop()
        relay.close()


def keep_logs(folder: Path) -> Path:
    """Put the logs where they outlive the soak."""
    kept = folder.with_name(folder.name + "-logs")
    shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
    return kept

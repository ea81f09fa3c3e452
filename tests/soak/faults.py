"""Faults of processes and of the database, one after the other, in an order that the seed decides."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.processes import Program
from tests.soak.environment import RESTART_S, SoakWorker, Stage

FROZEN_S = 24.0
"""Longer than a lease."""
STOP_WITHIN_S = 25.0
START_WITHIN_S = 30.0
DEAF_S = 1.5
AWAY_LONG_S = 60.0
CLOCK_OFF_S = 3600
NOTICED_WITHIN_S = 40.0
"""So soon a web process notices that nothing comes any more on the line it listens on."""
FROZEN = "worker frozen"
SILENT = "listening connection silent"
AWAY_LONG = "Postgres away for a minute"
SLOW = (FROZEN, SILENT)
"""These take long, go on beside the others, and come first."""
LISTENERS = "query LIKE 'LISTEN%' OR query = 'SELECT 1'"


@dataclass
class Happened:
    """A fault, by the clock on the wall. `breaks_lines`: requests on their way may have been cut by it."""

    what: str
    began: float
    ended: float = float("inf")
    breaks_lines: bool = False

    @property
    def is_outage(self) -> bool:
        """Whether Postgres was away."""
        return self.what.startswith("Postgres")


@dataclass
class Faults:
    """The stream of faults.

    Attributes:
        pause_s: Between two faults, from this to that many seconds.
        is_long: Whether there is time for what takes a minute.
        once: What does not happen again in later rounds.
        log: Everything that happened.
    """

    stage: Stage
    chance: random.Random
    pause_s: tuple[float, float]
    is_long: bool = False
    once: Collection[str] = (AWAY_LONG,)
    log: list[Happened] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._background: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self.all_happened = asyncio.Event()

    @property
    def deck(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            FROZEN: self.freeze_worker,
            SILENT: self.silence_listener,
            "worker killed": self.kill_worker,
            "worker stopped": self.stop_worker,
            "worker deployed anew": self.deploy_worker,
            "worker with a wrong clock": self.start_worker_with_a_wrong_clock,
            "web process killed": self.kill_web,
            "server cuts all lines": self.crash_server,
            "server away": self.take_server_away,
            "Postgres restarted": lambda: self.take_postgres_away(0),
            "Postgres away": lambda: self.take_postgres_away(self.chance.uniform(3, 8)),
            **({AWAY_LONG: lambda: self.take_postgres_away(AWAY_LONG_S)} if self.is_long else {}),
            "Postgres killed": self.kill_postgres,
            "connections ended one by one": self.end_connections,
            "listening connections ended": self.end_listeners,
        }

    async def stream(self) -> None:
        """Fault after fault, until `stop`; every one of the deck before any comes again. The slow ones first."""
        while True:
            names = list(self.deck)
            self.chance.shuffle(names)
            if not self.all_happened.is_set():
                names.sort(key=lambda name: name not in SLOW)
            for name in names:
                if self._goes_on(name) or (name in self.once and self.all_happened.is_set()):
                    continue
                await self.happen(name)
                if self._stopping.is_set():
                    return
                await asyncio.sleep(self.chance.uniform(*self.pause_s))
            self.all_happened.set()

    async def happen(self, name: str) -> Happened:
        happened = Happened(name, time.time(), breaks_lines=name.startswith(("worker", "server")))
        self.log.append(happened)
        if name in SLOW:
            self._background[name] = asyncio.create_task(self._go_on_in_background(happened))
        else:
            await self.deck[name]()
            happened.ended = time.time()
        return happened

    async def _go_on_in_background(self, happened: Happened) -> None:
        try:
            await self.deck[happened.what]()
        finally:
            happened.ended = time.time()

    def _goes_on(self, name: str) -> bool:
        task = self._background.get(name)
        if task is None or not task.done():
            return task is not None
        task.result()
        return False

    async def stop(self, stream: asyncio.Task[None]) -> None:
        """End the stream, and wait until nothing is frozen, silent or down any more."""
        self._stopping.set()
        await stream
        await asyncio.gather(*self._background.values())

    async def happen_last(self) -> None:
        """The worst fault for pages: for a while nobody can listen, and changes go unnoticed."""
        happened = Happened("listening connections ended", time.time())
        self.log.append(happened)
        async with await self.stage.connect() as line:
            while time.time() < happened.began + DEAF_S:
                await line.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {LISTENERS}")
                await asyncio.sleep(0.005)
        happened.ended = time.time()

    # Workers and web processes.

    async def freeze_worker(self) -> None:
        worker = self.stage.workers[1]
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_S)
        finally:
            with suppress(ProcessLookupError):  # the soak is over, and its worker ended as it was
                os.kill(worker.pid, signal.SIGCONT)

    async def kill_worker(self) -> None:
        await self._replace(self.stage.workers[0], signal.SIGKILL)

    async def stop_worker(self) -> None:
        await self._until_at_work(self.stage.workers[0])
        self._check_stopped(await self._replace(self.stage.workers[0], signal.SIGTERM))

    async def deploy_worker(self) -> None:
        """The new worker is at work before the old one is asked to stop."""
        old, staying = self.stage.workers
        await self._until_at_work(old)
        new = self.stage.start_worker()
        await self._until_at_work(new)
        self.stage.workers = (new, staying)
        os.kill(old.pid, signal.SIGTERM)
        self._check_stopped(await asyncio.to_thread(old.ended, within_s=STOP_WITHIN_S))

    async def start_worker_with_a_wrong_clock(self) -> None:
        """In the place of the one that was; it goes on so until it is replaced again."""
        await self._replace(
            self.stage.workers[0], signal.SIGKILL, clock_off_s=self.chance.choice((-CLOCK_OFF_S, CLOCK_OFF_S))
        )
        await self._until_at_work(self.stage.workers[0])

    def _check_stopped(self, code: int) -> None:
        if code != 0:
            self.wrong.append(f"a worker that was asked to stop ended with exit code {code}")

    async def _until_at_work(self, worker: Program) -> None:
        """A worker that is asked to stop before that is ended by Python itself, with another exit code."""
        ends = time.monotonic() + START_WITHIN_S
        while not await self._is_at_work(worker.pid):
            if time.monotonic() > ends:
                self.wrong.append(f"{worker.name} was not at work within {START_WITHIN_S:g} s")
                return
            await asyncio.sleep(0.1)

    async def _is_at_work(self, pid: int) -> bool:
        async with await self.stage.connect() as line:
            found = await line.execute("SELECT 1 FROM worker_worker WHERE pid = %s AND stopped_at IS NULL", [pid])
            return await found.fetchone() is not None

    async def kill_web(self) -> None:
        await self._replace(self.stage.webs[1], signal.SIGKILL)

    async def _replace(self, program: Program, number: signal.Signals, *, clock_off_s: int = 0) -> int:
        if isinstance(program, SoakWorker):
            program.clock_off_s = clock_off_s
        self.stage.down.add(program)
        os.kill(program.pid, number)
        code = await asyncio.to_thread(program.ended, within_s=STOP_WITHIN_S)
        await asyncio.sleep(RESTART_S)
        program.start()
        self.stage.down.discard(program)
        return code

    # The LangGraph server.

    async def crash_server(self) -> None:
        await self.stage.tell_server("crash")

    async def take_server_away(self) -> None:
        await self.stage.tell_server("stop")
        await asyncio.sleep(self.chance.uniform(1, 5))
        await self.stage.tell_server("start")

    # Postgres.

    async def take_postgres_away(self, seconds: float) -> None:
        await asyncio.to_thread(self.stage.postgres.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.stage.postgres.start)

    async def kill_postgres(self) -> None:
        """As the kernel does when memory runs out. The operator restarts it."""
        pid = self.stage.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while self.stage.postgres.pid in (pid, None) or not await self._answers():
            await asyncio.sleep(0.1)

    async def end_connections(self) -> None:
        for pid in await self._connections("true"):
            await self._end_connection(pid)
            await asyncio.sleep(self.chance.uniform(0, 0.15))

    async def end_listeners(self) -> None:
        for pid in await self._connections(LISTENERS):
            await self._end_connection(pid)

    async def silence_listener(self) -> None:
        """No FIN: the web process must notice it and listen again. It has no time while Postgres is away."""
        relay, waited_s = self.stage.relay, 0.0
        while not (heard := relay.listened) or not relay.cut_silently():
            await asyncio.sleep(0.1)
        while relay.listened == heard:
            if waited_s > NOTICED_WITHIN_S:
                self.wrong.append(f"a web process did not notice within {waited_s:.0f} s that its line was silent")
                return
            await asyncio.sleep(0.5)
            waited_s += 0.5 * await self._answers()

    async def _connections(self, which: str) -> list[int]:
        async with await self.stage.connect() as line:
            rows = await line.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                f" AND backend_type = 'client backend' AND ({which})"
            )
            return [int(str(pid)) for (pid,) in await rows.fetchall()]

    async def _end_connection(self, pid: int) -> None:
        async with await self.stage.connect() as line:
            await line.execute("SELECT pg_terminate_backend(%s)", [pid])

    async def _answers(self) -> bool:
        try:
            async with await self.stage.connect():
                return True
        except psycopg.OperationalError:
            return False

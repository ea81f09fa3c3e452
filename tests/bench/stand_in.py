"""The scripted server as a process: `python -m tests.bench.stand_in HEARTBEAT_S RUN_S|None`. First it says its address.

Told `created` it answers how many runs it has made; `finish N` ends the N oldest that go on and answers how many those
were; `gather N` ends all as soon as N go on at once, and answers at once; `forget` makes it forget every run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from tests.scripted_server import ScriptedRun, ScriptedServer
from tests.scripted_server.wire import Request


class StandIn(ScriptedServer):
    """Finds runs by their id instead of looking through all, ends them in crowds, and says when each arrived."""

    def __init__(self, *, heartbeat_s: float, run_s: float | None) -> None:
        super().__init__(heartbeat_s=heartbeat_s, run_s=run_s, result=lambda _: {"arrived_at": time.monotonic()})
        self.open: dict[str, ScriptedRun] = {}
        self.gather = 0
        self._known: dict[str, ScriptedRun] = {}

    def _find(self, thread_id: str, run_id: str) -> ScriptedRun | None:
        run = self._known.get(run_id)
        return run if run is not None and run.thread_id == thread_id and not run.is_forgotten else None

    async def _create(self, request: Request, ids: list[str]) -> ScriptedRun | tuple[int, str]:
        made = await super()._create(request, ids)
        if isinstance(made, ScriptedRun):
            self._known[made.run_id] = made
            if not made.over.is_set():
                self.open[made.run_id] = made
            if self.gather and len(self.open) >= self.gather:
                self.finish(self.gather)
        return made

    def finish(self, count: int) -> int:
        """End the oldest `count` runs that go on."""
        runs = list(self.open.values())[:count]
        for run in runs:
            del self.open[run.run_id]
            run.finish(self.result(run.payload))
        return len(runs)

    def forget_all(self) -> int:
        """Start with nothing again."""
        count = len(self.created)
        for kept in (self.created, self.requests):
            kept.clear()
        for known in (self.threads, self._known, self.open):
            known.clear()
        return count


async def main(heartbeat_s: float, run_s: float | None) -> None:
    async with StandIn(heartbeat_s=heartbeat_s, run_s=run_s) as server:
        _say(server.url)
        while line := await asyncio.to_thread(sys.stdin.readline):
            match line.split():
                case ["created"]:
                    _say(len(server.created))
                case ["finish", count]:
                    _say(server.finish(int(count)))
                case ["gather", count]:
                    server.gather = int(count)
                    _say(server.gather)
                case ["forget"]:
                    _say(server.forget_all())


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), None if sys.argv[2] == "None" else float(sys.argv[2])))

"""The scripted server as a process: `python -m tests.bench.stand_in HEARTBEAT_S RUN_S|None`. First it says its address.

For `created` it answers how many runs it has made; `finish N` ends the N oldest that go on and answers how many those
were; `gather N` ends all as soon as N go on at once, and answers at once; `forget` makes it forget every run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from tests.scripted_server import ScriptedRun, ScriptedServer


class StandIn(ScriptedServer):
    """Ends runs in crowds, and says when each arrived."""

    def __init__(self, *, heartbeat_s: float, run_s: float | None) -> None:
        super().__init__(heartbeat_s=heartbeat_s, run_s=run_s, result=lambda _: {"arrived_at": time.monotonic()})
        self.open: dict[str, ScriptedRun] = {}
        self.gather = 0

    def begin(self, run: ScriptedRun) -> None:
        super().begin(run)
        if not run.over.is_set():
            self.open[run.run_id] = run
        if self.gather and len(self.open) >= self.gather:
            self.finish(self.gather)

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
        for known in (self.threads, self._runs, self.open):
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

"""The lying LangGraph server, as a process: `python -m tests.soak.stand_in HEARTBEAT_S`. First it says its address.

Each run's kind, which its metadata tells, decides what goes wrong with the requests about it and how it ends. Told
`crash`, `stop`, `start` it does so; told `records` it answers with what became of every run it ever created.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.scripted_server import Fault, Request, ScriptedRun, ScriptedServer
from tests.soak.kinds import Kind, kind_of

OURS = "runboard_run_id"
"""Our run id in the server's metadata. Not imported: this process knows nothing of Django."""


class SoakServer(ScriptedServer):
    """Plays each run's kind. Runs on one thread wait for each other, as on a real server."""

    def __init__(self, *, heartbeat_s: float) -> None:
        super().__init__(heartbeat_s=heartbeat_s, run_s=None)
        self._asked: Counter[tuple[str, str]] = Counter()
        self._latest: dict[str, ScriptedRun] = {}

    def choose_fault(self, endpoint: str, ids: Sequence[str], request: Request) -> Fault:
        self.requests.clear()  # a soak has too many to keep
        payload = self._payload(endpoint, ids, request)
        kind = kind_of(payload)
        if kind is None:
            return Fault()
        key = (ours(payload), endpoint)
        self._asked[key] += 1
        fault = kind.fault(endpoint, self._asked[key] - 1)
        run = self._runs.get(ids[1]) if len(ids) > 1 else None
        if fault.end_after_beats is not None and run is not None and run.over.is_set():
            return Fault()  # too late to end its answer too early
        return fault

    def _payload(self, endpoint: str, ids: Sequence[str], request: Request) -> dict[str, Any]:
        """What the run this request is about was launched with."""
        if endpoint == "wait":
            return request.json or {}
        run = self._runs.get(ids[1]) if len(ids) > 1 else self._latest.get(ids[0]) if ids else None
        return run.payload if run else {}

    def begin(self, run: ScriptedRun) -> None:
        before = self._latest.get(run.thread_id)
        self._latest[run.thread_id] = run
        self.beside(self._play(run, before))

    async def _play(self, run: ScriptedRun, before: ScriptedRun | None) -> None:
        kind = kind_of(run.payload)
        if before is not None:
            await before.over.wait()
        if delay_s := run.payload.get("after_seconds"):
            await over_within(run, delay_s)
        if run.over.is_set():
            return
        run.start()
        if kind is None or kind.act == "never":
            return
        await over_within(run, float(run.payload["metadata"]["run_s"]))
        self._end(run, kind)

    def _end(self, run: ScriptedRun, kind: Kind) -> None:
        match kind.act:
            case "finish":
                run.finish(document=final_state(ours(run.payload), kind.document_bytes))
            case "fail":
                run.fail("ValueError", f"no luck for {ours(run.payload)}")
            case "ask":
                run.interrupt(f"May {ours(run.payload)} go on?", values={"of": ours(run.payload)})
            case "pause":
                run.pause({"of": ours(run.payload)}, next=["node"])
            case "time_out":
                run.time_out({"of": ours(run.payload)})

    def records(self) -> list[dict[str, Any]]:
        """What became of every run."""
        return [self._record(run) for run in self.created]

    def _record(self, run: ScriptedRun) -> dict[str, Any]:
        left = [state for state in run.thread.states if state["metadata"].get("run_id") == run.run_id]
        state = left[-1] if left else {}
        documents = [] if run.document is None else [run.document]
        if state.get("interrupts"):  # all that a join tells of it
            documents.append(json.dumps({"__interrupt__": state["interrupts"]}).encode())
        return {
            "ours": ours(run.payload),
            "run_id": run.run_id,
            "thread_id": run.thread_id,
            "status": run.status,
            "asks": bool(state.get("interrupts")),
            "waits": bool(state.get("next")),
            "is_forgotten": run.is_forgotten,
            "has_thread": run.thread_id in self.threads,
            "documents": [hashlib.sha256(document).hexdigest() for document in documents],
            "values": values_digest(state.get("values")),
        }


def ours(payload: dict[str, Any]) -> str:
    """Our id of the run a POST asks for."""
    return str((payload.get("metadata") or {}).get(OURS))


def final_state(of: str, size: int) -> bytes:
    """A document no JSON library would write like this, so that one which was parsed and written again is noticed."""
    pad = hashlib.sha256(of.encode()).hexdigest() * (size // 64)
    return f'{{ "of":"{of}" , "half":0.50, "many":123456789012345678901234, "word":"\\u00e9", "pad":"{pad}"}}'.encode()


def values_digest(values: Any) -> str:
    """The same for the same values, however they were written."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


async def over_within(run: ScriptedRun, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(run.over.wait(), seconds)


async def main(heartbeat_s: float) -> None:
    async with SoakServer(heartbeat_s=heartbeat_s) as server:
        say(server.url)
        while line := await asyncio.to_thread(sys.stdin.readline):
            match line.strip():
                case "crash":
                    say(await server.crash())
                case "stop":
                    say(await server.stop())
                case "start":
                    say(await server.start())
                case "records":
                    say(server.records())


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))

"""The lying LangGraph servers, as a process: `python -m tests.soak.fake_server HEARTBEAT_S`, one of each manner.

First it says their addresses, by manner.

Each run's kind, from its metadata, decides what goes wrong with the requests about it and how it ends. Given
`crash`, `stop` or `start` it does so; given `records` it answers with what became of every run it ever created.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from tests.scripted_server import LANGGRAPH_DEV, MANNERS, Fault, Manner, Request, ScriptedRun, ScriptedServer
from tests.soak.scenarios import Kind, kind_of

CREATE = ("wait", "create")
OURS = "runboard_run_id"
"""Our run id in the server's metadata. Not imported: this process knows nothing of Django."""


class SoakServer(ScriptedServer):
    """Plays each run's kind. Runs on one thread wait for each other, as on a real server."""

    def __init__(self, *, heartbeat_s: float, manner: Manner = LANGGRAPH_DEV) -> None:
        super().__init__(heartbeat_s=heartbeat_s, run_s=None, manner=manner)
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
        run = None if endpoint in CREATE else self._run(ids)
        if run is None:
            return fault
        if fault.end_after_beats is not None and run.over.is_set():
            fault = Fault()  # too late to end its answer too early
        return special_answer(endpoint, run, kind) if fault == Fault() else fault

    def _payload(self, endpoint: str, ids: Sequence[str], request: Request) -> dict[str, Any]:
        """What the run this request is about was launched with."""
        if endpoint in CREATE:
            return request.json or {}
        run = self._run(ids)
        return run.payload if run else {}

    def _run(self, ids: Sequence[str]) -> ScriptedRun | None:
        """The run a request names, or the latest of the thread it names."""
        return self._runs.get(ids[1]) if len(ids) > 1 else self._latest.get(ids[0]) if ids else None

    def begin(self, run: ScriptedRun) -> None:
        before = self._latest.get(run.thread_id)
        self._latest[run.thread_id] = run
        if before is not None and not before.over.is_set():
            match run.payload.get("multitask_strategy"):
                case "interrupt":
                    before.cancel({"of": ours(before.payload)})
                case "rollback":
                    before.roll_back({"of": ours(before.payload)})
                    before.thread.last_run_id = None  # its checkpoints are gone, too
        self.in_background(self._play(run, before))

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
        run_s = float(run.payload["metadata"]["run_s"])
        await over_within(run, run_s)
        for _ in range(1, kind.executions):
            run.start()  # as after a restart of the server
            await over_within(run, run_s)
        self._end(run, kind)
        if kind.executions > 1:
            run.thread.states[-1]["metadata"]["run_attempt"] = kind.executions

    def _end(self, run: ScriptedRun, kind: Kind) -> None:
        match kind.act:
            case "finish":
                run.finish({} if kind.is_verbatim else None, document=document_of(run, kind))
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
        values = state.get("values") or {}
        kind = kind_of(run.payload)
        documents = [run.document] if run.document and not (kind and kind.leaves) else []
        if kind and kind.leaves:
            documents.append(kind.leaves)
        if state.get("interrupts"):  # all that a join tells of it
            documents.append(json.dumps({"__interrupt__": state["interrupts"]}).encode())
        # What is kept of a run that was joined or found again: its state with its questions, or its output.
        written_again = [values_digest(run.output)] if self.manner.tells_output else []
        if state.get("interrupts"):
            written_again.append(values_digest({**values, "__interrupt__": state["interrupts"]}))
        return {
            "ours": ours(run.payload),
            "run_id": run.run_id,
            "thread_id": run.thread_id,
            "status": run.status,
            "asks": bool(state.get("interrupts")),
            "waits": bool(state.get("next")),
            "resume": (run.payload.get("command") or {}).get("resume"),
            "has_input": run.payload.get("input") is not None,
            "is_forgotten": run.is_forgotten,
            "has_thread": run.thread_id in self.threads,
            "documents": [hashlib.sha256(document).hexdigest() for document in documents],
            "values": values_digest(state.get("values")),
            "written_again": written_again,
        }


def special_answer(endpoint: str, run: ScriptedRun, kind: Kind) -> Fault:
    """Answers about a run that the scripted server lacks: bytes, and a second execution."""
    if endpoint == "join" and kind.is_verbatim:
        return Fault(body=document_of(run, kind))
    has_special_state = kind.is_verbatim or kind.executions > 1
    if endpoint not in ("state", "history") or not has_special_state or not run.over.is_set():
        return Fault()
    left = run.thread.states[-1]
    if kind.is_verbatim:
        rest = json.dumps({key: value for key, value in left.items() if key != "values"}).encode()
        state = b'{"values":' + (kind.leaves or document_of(run, kind)) + b"," + rest[1:]
    else:
        state = json.dumps(left).encode()
    return Fault(body=state if endpoint == "state" else b"[" + state + b"]")


def document_of(run: ScriptedRun, kind: Kind) -> bytes:
    """The final state of a run that finishes."""
    return kind.sends if kind.sends is not None else final_state(ours(run.payload), kind.document_bytes)


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
    async with AsyncExitStack() as running:
        servers = {
            name: await running.enter_async_context(SoakServer(heartbeat_s=heartbeat_s, manner=manner))
            for name, manner in MANNERS.items()
        }
        say({name: server.url for name, server in servers.items()})
        while line := await asyncio.to_thread(sys.stdin.readline):
            match line.strip():
                case "crash" | "stop" | "start" as word:
                    await asyncio.gather(*(getattr(server, word)() for server in servers.values()))
                    say("done")
                case "records":
                    say([record for server in servers.values() for record in server.records()])


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))

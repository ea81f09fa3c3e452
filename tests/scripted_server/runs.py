"""The scripted server's runs and threads."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.scripted_server.manners import LANGGRAPH_DEV, Manner

TERMINAL = frozenset({"success", "error", "timeout", "interrupted"})


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _moment_of(checkpoint_id: str) -> datetime:
    """When a checkpoint was made: its id is a UUID of version 6, a count of 100 ns since the Gregorian calendar."""
    number = uuid.UUID(checkpoint_id).int
    ticks = (number >> 80 << 12) | (number >> 64 & 0xFFF)
    return datetime(1582, 10, 15, tzinfo=UTC) + timedelta(microseconds=ticks // 10)


@dataclass
class ScriptedThread:
    """A thread: its present values and what waits."""

    thread_id: str
    values: Any = None
    status: str = "idle"
    next: list[str] = field(default_factory=list)
    interrupts: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    error_node: str = "node"
    step: int = -1
    last_run_id: str | None = None
    created_at: str = field(default_factory=_now)
    metadata: dict[str, Any] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    """The state each run left, oldest first."""

    def history(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """`POST /threads/{t}/history`: newest first, of one run and from before a checkpoint when that is wanted."""
        of_run = (wanted.get("metadata") or {}).get("run_id")
        before = _moment_of(wanted["before"]["configurable"]["checkpoint_id"]) if wanted.get("before") else None
        states = [
            state
            for state in reversed(self.states)
            if of_run in (None, state["metadata"].get("run_id"))
            and (before is None or datetime.fromisoformat(state["created_at"]) < before)
        ]
        return states[: wanted.get("limit", 10)]

    def as_json(self) -> dict[str, Any]:
        """`GET /threads/{t}`."""
        return {
            "thread_id": self.thread_id,
            "created_at": self.created_at,
            "updated_at": _now(),
            "metadata": self.metadata,
            "status": self.status,
            "values": self.values,
            "interrupts": {"task-1": self.interrupts} if self.interrupts else {},
        }

    def state_as_json(self) -> dict[str, Any]:
        """`GET /threads/{t}/state`."""
        tasks = []
        if self.error or self.interrupts or self.next:
            name = self.error_node if self.error else (self.next or ["node"])[0]
            tasks = [{"id": "task-1", "name": name, "error": self.error, "interrupts": self.interrupts}]
        return {
            "values": self.values if self.values is not None else {},
            "next": self.next,
            "tasks": tasks,
            "interrupts": self.interrupts,
            "checkpoint": {"thread_id": self.thread_id, "checkpoint_ns": "", "checkpoint_id": str(uuid.uuid4())},
            "parent_checkpoint": None,
            "metadata": {"step": self.step, **({"run_id": self.last_run_id} if self.last_run_id else {})},
            "created_at": _now(),
        }


@dataclass
class ScriptedRun:
    """A run. It ends when the test (or the server's `run_s`) says so, by one of the verbs below.

    Attributes:
        payload: The JSON body of the POST that created it.
        document: The bytes of the final JSON document, as `wait` sends them; None while it runs.
        is_forgotten: The server denies knowing it.
    """

    run_id: str
    thread: ScriptedThread
    assistant_id: str
    payload: dict[str, Any]
    is_stateless: bool
    status: str = "pending"
    document: bytes | None = None
    is_forgotten: bool = False
    created_at: str = field(default_factory=_now)
    updated_at: str = field(default_factory=_now)
    asks: bool = False
    error: str | None = None
    output: Any = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def thread_id(self) -> str:
        """The id of its thread, also of a stateless run's."""
        return self.thread.thread_id

    def start(self) -> None:
        """Begin: the thread is busy with it, and what waited there waits no longer."""
        self.status, self.updated_at = "running", _now()
        thread = self.thread
        thread.status, thread.interrupts, thread.next, thread.error = "busy", [], [], None

    def finish(self, values: Any = None, *, document: bytes | None = None) -> None:
        """Succeed with `values`, or with exactly these bytes."""
        self._end("success", "idle", values, document)

    def fail(self, type: str = "ValueError", message: str = "scripted", *, node: str = "node") -> None:
        """The graph raises."""
        self.error = message
        self.thread.error, self.thread.error_node = f"{type}('{message}')", node
        self.thread.next = [node]
        document = json.dumps({"__error__": {"error": type, "message": message}}).encode()
        self._end("error", "error", self.thread.values, document)

    def interrupt(self, value: Any, *, values: Any = None, node: str = "ask") -> str:
        """The graph asks a question; returns the interrupt's id."""
        self.asks = True
        asked = {"value": value, "id": uuid.uuid4().hex}
        self.thread.interrupts, self.thread.next = [asked], [node]
        document = json.dumps({**(values or {}), "__interrupt__": [asked]}).encode()
        self._end("success", "interrupted", values or {}, document)
        return str(asked["id"])

    def pause(self, values: Any, *, next: list[str]) -> None:
        """Stop at interrupt_before / interrupt_after: partial values, no marker."""
        self.thread.next = next
        self._end("success", "interrupted", values, None)

    def cancel(self, values: Any = None) -> None:
        """Cancelled with action=interrupt: partial values, no marker."""
        self._end("interrupted", "interrupted", {} if values is None else values, None)

    def roll_back(self, values: Any = None) -> None:
        """Cancelled with action=rollback: the run is gone."""
        self._end("interrupted", "idle", {} if values is None else values, None)
        self.thread.values = None
        self.thread.states.pop()
        self.is_forgotten = True

    def time_out(self, values: Any = None) -> None:
        """The server's own time limit."""
        self._end("timeout", "error", {} if values is None else values, None)

    def _end(self, status: str, thread_status: str, values: Any, document: bytes | None) -> None:
        if self.over.is_set():
            return
        self.document = json.dumps(values).encode() if document is None else document
        if document is not None and values is None:
            try:
                values = json.loads(document)
            except (ValueError, RecursionError):
                values = {}
        self.status, self.updated_at, self.output = status, _now(), values
        self.thread.status = thread_status
        self.thread.values = values
        self.thread.step += 1
        self.thread.last_run_id = self.run_id
        self.thread.states.append(self.thread.state_as_json())
        if self.is_stateless and self.payload.get("on_completion") != "keep":
            self.is_forgotten = True
        self.over.set()

    def joined_document(self) -> bytes:
        """What a join of it sends once it is over: the thread's present state, or only the interrupts."""
        if self.thread.interrupts:
            return json.dumps({"__interrupt__": self.thread.interrupts}).encode()
        if self.status == "error":
            return self.document or b"{}"
        if self.document is not None and self.thread.values is not None and self._is_latest():
            return self.document
        return json.dumps(self.thread.values).encode()

    def _is_latest(self) -> bool:
        try:
            return bool(json.loads(self.document or b"null") == self.thread.values)
        except (ValueError, RecursionError):
            return True

    def as_json(self, manner: Manner = LANGGRAPH_DEV) -> dict[str, Any]:
        """`GET /threads/{t}/runs/{r}`."""
        kwargs = {key: value for key, value in self.payload.items() if key not in ("metadata", "assistant_id")}
        fields = {
            "run_id": self.run_id,
            "thread_id": self.thread_id,
            "assistant_id": self.assistant_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "status": manner.question_status if self.asks and self.status == "success" else self.status,
        }
        if manner.tells_metadata:
            fields |= {"metadata": self.payload.get("metadata") or {}}
            fields |= {"kwargs": kwargs, "multitask_strategy": self.payload.get("multitask_strategy") or "enqueue"}
        if manner.tells_output:
            fields |= {"input": self.payload.get("input") or {}, "output": self.output, "error_message": self.error}
        return fields

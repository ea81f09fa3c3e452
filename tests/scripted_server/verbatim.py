"""A server whose runs end at once with exactly the bytes a test gives, in every place where a real one sends values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.scripted_server.faults import Fault
from tests.scripted_server.runs import ScriptedRun
from tests.scripted_server.server import ScriptedServer
from tests.scripted_server.wire import Request


class VerbatimServer(ScriptedServer):
    """Its documents are never parsed here, so that they may be of any size, and no JSON at all.

    Args:
        document: The final state for the POST body of a run.
        state: What `GET /threads/{t}/state` has besides `values`, `metadata`, `next` and `tasks`, or instead of them.
    """

    def __init__(
        self, document: Callable[[dict[str, Any]], bytes], *, state: Mapping[str, bytes] | None = None, **given: Any
    ) -> None:
        super().__init__(run_s=0, result=lambda _: {}, **given)
        self.document = document
        self.values = document
        """What stands under `values` in the thread's state: the same, unless a test says otherwise."""
        self.state = dict(state or {})

    def choose_fault(self, endpoint: str, ids: Sequence[str], request: Request) -> Fault:
        fault = super().choose_fault(endpoint, ids, request)
        if fault != Fault():
            return fault
        if endpoint == "wait":
            return Fault(body=self.document(request.json or {}))
        run = next((run for run in reversed(self.created) if run.thread_id == ids[0]), None) if ids else None
        if run is None:
            return fault
        if endpoint == "join":
            return Fault(body=self.document(run.payload))
        if endpoint == "state":
            return Fault(body=self._state(run))
        if endpoint == "history":
            return Fault(body=b"[" + self._state(run) + b"]")
        return fault

    def _state(self, run: ScriptedRun) -> bytes:
        members = {
            "values": self.values(run.payload),
            "next": b"[]",
            "tasks": b"[]",
            "metadata": json.dumps({"run_id": run.run_id, "step": 1}).encode(),
            **self.state,
        }
        return b"{" + b",".join(b'"%s":' % name.encode() + value for name, value in members.items()) + b"}"

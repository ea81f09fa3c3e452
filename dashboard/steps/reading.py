"""Reads the steps of an ended run from its server's history: bounded in time and size, and never urgent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from dashboard.langgraph import Checkpoint, LangGraphClient, LangGraphError, RequestRejected, RunNotFound, ValuesRoom
from dashboard.langgraph.checkpoints import moment
from dashboard.steps.assembler import Assembler
from dashboard.steps.timeline import StepFound, has_branches, has_gaps, steps_of, with_ends_seen

logger = logging.getLogger(__name__)

WITHIN_S: Final = 20.0
ALL_BYTES: Final = 64_000_000
ANSWER_BYTES: Final = 32_000_000
STEPS: Final = 2_000
CHECKPOINTS_AT_ONCE: Final = 100
ANSWER_BYTES_WANTED: Final = 2_000_000
LARGE_STATE_BYTES: Final = 200_000
REPLAY_S: Final = 5.0
REPLAY_BYTES: Final = 32_000_000
VALUES_BYTES: Final = 4_000_000
"""How much of the states of a run's checkpoints to store; the newest come first."""
LAST_VALUES_BYTES: Final = 32_000_000
"""The largest last state to store for a run without a final state."""
INNER_VALUES_BYTES: Final = 1_000_000
SUBGRAPHS: Final = 60
DEPTH: Final = 5


@dataclass(frozen=True)
class Asked:
    """The run whose steps to read. `went_on`: it continued a thread instead of beginning with an input."""

    thread_id: str
    run_id: str
    headers: Mapping[str, str]
    ended_as: str
    went_on: bool = False
    state_bytes: int = 0

    @property
    def is_failure(self) -> bool:
        return self.ended_as in ("failed", "timed_out")


@dataclass(frozen=True)
class Reading:
    """The steps that were found; `why` says what is missing, "" when nothing is."""

    steps: list[StepFound] = field(default_factory=list)
    why: str = ""
    server_wait_s: float | None = None
    checkpoints: list[tuple[tuple[str, ...], Checkpoint]] = field(default_factory=list)
    """Oldest first, each with the names of the subgraphs around it. Of subgraphs only those at which a step failed."""


async def steps_read(client: LangGraphClient, asked: Asked) -> Reading:
    """The steps of a run, as far as the server has them within the bounds. Raises no errors of the client."""
    reader = _Reader(client, asked)
    why = ""
    try:
        async with asyncio.timeout(WITHIN_S):
            await reader.read()
    except TimeoutError:
        why = f"The server did not send its history within {WITHIN_S:.0f} s."
    except RunNotFound:
        why = "The server does not have this run any more."
    except RequestRejected as error:
        why = f"The server would not give the history of the run (HTTP {error.status_code}: {error.detail})."
    except LangGraphError as error:
        why = f"The server could not be asked for the history of the run: {error}"
    return reader.reading(why)


class _Reader:
    def __init__(self, client: LangGraphClient, asked: Asked) -> None:
        self._client = client
        self._asked = asked
        self._headers = dict(asked.headers)
        self._bytes_left = ALL_BYTES
        self._subgraphs_left = SUBGRAPHS
        self._created_at: datetime | None = None
        self._ended_at: datetime | None = None
        self._own: list[Checkpoint] = []
        self._inside: dict[str, Sequence[Checkpoint]] = {}
        self._seen: list[StepFound] = []
        self._left_out = ""
        has_state = asked.state_bytes > 0
        self._room = ValuesRoom(VALUES_BYTES if has_state else LAST_VALUES_BYTES, VALUES_BYTES)

    async def read(self) -> None:
        run: Mapping[str, Any] = await self._client.runs.get(
            self._asked.thread_id, self._asked.run_id, headers=self._headers
        )
        self._created_at = moment(str(run.get("created_at")))
        self._ended_at = moment(str(run.get("updated_at")))
        self._own = await self._history("")
        await self._add_where_it_went_on()
        await self._read_inside()
        histories = [self._own, *self._inside.values()]
        if any(has_gaps(states) or has_branches(states) for states in histories):
            await self._replay()
            if any(map(has_gaps, histories)) and not self._seen:
                self._left_out = self._left_out or "The history of the run does not name all of its steps."

    async def _read_inside(self) -> None:
        for depth in range(DEPTH):
            wanted = self._subgraphs_of(depth)
            if not wanted:
                break
            for name in wanted:
                if self._subgraphs_left <= 0:
                    self._left_out = f"The steps inside of more than {SUBGRAPHS} subgraphs are left out."
                    return
                self._subgraphs_left -= 1
                self._inside[name] = await self._history(name)

    def reading(self, why: str) -> Reading:
        steps = steps_of(
            self._own,
            ended_as=self._asked.ended_as,
            ended_at=self._ended_at,
            inside=self._inside,
            seen=self._seen,
        )
        steps = with_ends_seen(steps, self._seen)
        if len(steps) > STEPS:
            self._left_out = f"Only the first {STEPS:,} of {len(steps):,} steps are kept."
        waited = None
        first = steps[0].started_at if steps else None
        if first is not None and self._created_at is not None:
            waited = max(0.0, (first - self._created_at).total_seconds())
        if not steps and not why and self._asked.ended_as != "paused":
            why = "The server's history has no steps of this run."
        return Reading(steps[:STEPS], why or self._left_out, waited, self._checkpoints(steps))

    def _checkpoints(self, steps: Sequence[StepFound]) -> list[tuple[tuple[str, ...], Checkpoint]]:
        failed = {step.checkpoint_id: step.path for step in steps if step.status == "failed" and step.path}
        inner = [state for states in self._inside.values() for state in states if state.id in failed]
        return [((), state) for state in self._own] + [(failed[state.id], state) for state in inner]

    async def _history(self, subgraph: str) -> list[Checkpoint]:
        """The run's own checkpoints, oldest first."""
        found: list[Checkpoint] = []
        # If its size is not known, one state shows how many fit into an answer.
        at_once = 20 if 0 < self._asked.state_bytes <= LARGE_STATE_BYTES else 1
        room = self._room
        if subgraph:
            room = ValuesRoom(INNER_VALUES_BYTES if self._asked.is_failure else 0, 0)
        while len(found) < STEPS:
            if self._bytes_left <= 0:
                self._left_out = f"The history is larger than {ALL_BYTES // 1_000_000} MB; older steps are left out."
                break
            page, size = await self._client.threads.checkpoints(
                self._asked.thread_id,
                limit=at_once,
                metadata={"run_id": self._asked.run_id},
                subgraph=subgraph,
                before=found[-1].id if found else None,
                room=room,
                headers=self._headers,
                max_bytes=ANSWER_BYTES,
            )
            self._bytes_left -= size
            new = [state for state in page if state.run_id in ("", self._asked.run_id)]
            found += new
            if len(page) < at_once or not new:
                break
            at_once = max(1, min(CHECKPOINTS_AT_ONCE, ANSWER_BYTES_WANTED * at_once // max(size, 1)))
        return found[::-1]

    async def _add_where_it_went_on(self) -> None:
        """An answer or a continuation takes its first step from the checkpoint that an earlier run left."""
        before: str | None = None
        if self._own:
            if self._own[0].source != "loop" or not self._own[0].parent_id:
                return
            before = self._own[0].parent_id
        elif not self._asked.went_on:
            return
        found = await self._client.threads.checkpoint(
            self._asked.thread_id, checkpoint_id=before, room=self._room, headers=self._headers, max_bytes=ANSWER_BYTES
        )
        self._own.insert(0, replace(found, at=self._created_at, run_id="", run_attempt=1))

    async def _replay(self) -> None:
        """The run's events, if its server has kept them: they name each step and its end."""
        assembler, size = Assembler(), 0
        events = self._client.runs.join_stream(self._asked.thread_id, self._asked.run_id, headers=self._headers)
        try:
            async with asyncio.timeout(REPLAY_S), aclosing(events):
                async for event in events:
                    size += len(event.data or b"")
                    if size > REPLAY_BYTES:
                        break
                    if event.name in ("updates", "metadata"):
                        assembler.take(event, event.value())
        except (TimeoutError, LangGraphError) as error:
            logger.info("the events of a run could not be read again: %s", error, extra={"run_id": self._asked.run_id})
        self._seen = assembler.steps

    def _subgraphs_of(self, depth: int) -> list[str]:
        """The namespaces at this depth that are not read yet."""
        states: Sequence[Checkpoint] = (
            self._own if depth == 0 else [s for known in self._inside.values() for s in known]
        )
        names = [task.subgraph for state in states for task in state.tasks if task.subgraph]
        return [name for name in dict.fromkeys(names) if name not in self._inside]

"""Progress of a run without a final state: the state that its last step was given, and what was written since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard.runs.models import Run
from dashboard.runs.state import cache
from dashboard.runs.state.blocks import Room
from dashboard.runs.state.cards import Card, cards
from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.result import state_layout_html
from dashboard.runs.state.seen import cut, seen
from dashboard.steps import selectors
from dashboard.steps.models import RunCheckpoint, Step, StepStatus
from dashboard.steps.templatetags.steps import seconds

STEPS_MAX = 500
BYTES_MAX = 4_000_000
KEYS = 40
STATE_ROOM = 16_000
OTHER_ROOM = 5_000
"""Characters of each part: together they keep the page below 150 kB."""
ONE_BYTES = 6_000
ALL_BYTES = 12_000
"""The most of a value without an address of its own, and of all such keys together."""


@dataclass(frozen=True)
class State:
    """The state at a checkpoint, laid out."""

    title: str
    about: str
    """Where it comes from, in a sentence or two."""
    url: str
    html: SafeString


@dataclass(frozen=True)
class SoFar:
    """The known values of a run without a final state.

    Attributes:
        is_reading: More may come: the steps are still being read from the server.
        failed: The step that failed; None when that is not known.
        states: The state at the last checkpoint, and the one that the failed step inside a subgraph was given.
        writes: The last write to each key that is in none of the states.
        given: The run's input, where no state has it.
    """

    is_reading: bool
    failed: Step | None = None
    states: list[State] = field(default_factory=list)
    writes: list[Card] = field(default_factory=list)
    given: list[Card] = field(default_factory=list)
    writes_hidden: int = 0
    given_hidden: int = 0

    @property
    def failed_after(self) -> str:
        """How long the failed step took, in a sentence; "" when none is known."""
        return _failed_after(self.failed) if self.failed else ""

    @property
    def is_empty(self) -> bool:
        return not (self.is_reading or self.failed or self.states or self.writes or self.writes_hidden)


def so_far(run: Run) -> SoFar:
    """The values of an ended run that left no final state."""
    is_reading = selectors.is_to_be_read(run, selectors.step_log(run))
    failed = selectors.step_failed(run)
    points = selectors.checkpoint_list(run)
    last = next((one for one in reversed(points) if not one.path), None)
    inner = next((one for one in points if failed and failed.path and one.checkpoint_id == failed.checkpoint_id), None)
    states = list(_states(run, failed, last, inner))
    writes, writes_hidden = _cards(_written(run, after=last.checkpoint_id if last and states else None))
    given, given_hidden = _cards(run.request.params.get("input"))
    return SoFar(is_reading, failed, states, writes, given, writes_hidden, given_hidden)


def values_so_far(run: Run) -> Place | None:
    """The state at the run's last checkpoint; None when it is not known, or too large."""
    last = next((one for one in reversed(selectors.checkpoint_list(run)) if not one.path), None)
    found = selectors.checkpoint_state(run, last) if last else None
    return cache.stored_root(found)


def _states(run: Run, failed: Step | None, last: RunCheckpoint | None, inner: RunCheckpoint | None) -> Iterator[State]:
    if last is not None:
        about = f"The last state of the graph. {_failed_after(failed) if failed else ''}".strip()
        if failed is not None and not failed.path and failed.checkpoint_id == last.checkpoint_id:
            about = f"What {_name(failed)} was given; {_failed_after(failed, 'it') or 'it failed.'}"
        yield from _state(run, last, STATE_ROOM, "Values so far", about)
    if failed is not None and inner is not None:
        about = f"What {_name(failed)} was given: the state of its subgraph."
        yield from _state(run, inner, OTHER_ROOM, f"Input of {_name(failed)}", about)


def _name(step: Step) -> str:
    return seen(cut(step.node, 60))


def _failed_after(step: Step, subject: str = "") -> str:
    attempt = f" in its attempt {step.attempt}" if step.attempt > 1 else ""
    after = f" after {seconds(step.duration_s)}" if step.duration_s else ""
    return f"{subject or _name(step)} failed{attempt}{after}." if attempt or after else ""


def _state(run: Run, checkpoint: RunCheckpoint, room: int, title: str, about: str) -> Iterator[State]:
    found = selectors.checkpoint_state(run, checkpoint)
    if found is not None:
        url = reverse("run-checkpoint", args=[run.pk, checkpoint.checkpoint_id])
        prefix = f"-{checkpoint.number}"
        yield State(title, about, url, state_layout_html(run, found, address=url, prefix=prefix, room=room))


def _written(run: Run, *, after: str | None) -> dict[str, object]:
    """The last write to each key; only the server knows what reducers made of it.

    Args:
        after: Only writes of steps from this checkpoint, which no state has yet; None: of all steps.
    """
    found: dict[str, object] = {}
    left = BYTES_MAX
    done = Step.objects.filter(run=run, path=[], status=StepStatus.DONE).order_by("-index")
    if after is not None:
        done = done.filter(checkpoint_id=after)
    for step in done[:STEPS_MAX].iterator(chunk_size=20):
        left -= len(step.writes_json)
        if left < 0:
            break
        writes = json.loads(step.writes_json) if step.writes_json else None
        if isinstance(writes, dict):
            for key, value in writes.items():
                found.setdefault(key, value)
    return found


def _cards(value: object) -> tuple[list[Card], int]:
    """The members of an object as cards, and how many of them are too large."""
    if not isinstance(value, dict) or not value:
        return [], 0
    shown, left = [], ALL_BYTES
    for place in Document.of(value).root.children(0, KEYS):
        if place.length <= min(ONE_BYTES, left):
            left -= place.length
            shown.append(place)
    return cards(shown, address="", changes={}, room=Room(OTHER_ROOM)), len(value) - len(shown)

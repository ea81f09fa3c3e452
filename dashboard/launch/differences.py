"""Compares a launch that is being edited with the run it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.launch.forms import LaunchForm
from dashboard.launch.presets import differing, value_at
from dashboard.runs.inheritance import INHERITED
from dashboard.runs.models import ParentKind, Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.runs.state.seen import seen
from dashboard.schema_forms import MISSING, check
from dashboard.schema_forms.pointers import unescape
from dashboard.servers.selectors import assistant_find
from dashboard.text import clip

SHOWN = 12
VALUE_CHARS = 60
SCHEMAS = {"input": "input_schema", "context": "context_schema"}


@dataclass(frozen=True)
class Change:
    """A field with its old and new value, as short texts; both are "" for secrets."""

    field: str
    was: str = ""
    now: str = ""


@dataclass(frozen=True)
class Difference:
    """`changes` are the differences; `refused` are labels with why the assistant's schema no longer accepts them.

    `is_known` is False while the form cannot be read. `fork` is the checkpoint at which a fork starts, "" without a
    fork: then only what a fork takes over is compared; `has_input` says whether it has an input.
    """

    changes: tuple[Change, ...] = ()
    more: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    is_known: bool = True
    fork: str = ""
    has_input: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The labels of what differs."""
        return tuple(change.field for change in self.changes)


def difference(run: Run, order: LaunchOrder | None) -> Difference:
    """The differences between `order` and the launch of `run`; None: the form cannot be read yet."""
    if order is None:
        return Difference(is_known=False, refused=_refused(run, run.request.params))
    fork = fork_start(run, order.thread_choice, order.thread_id, order.params)
    before = _compared(_taken_over(run) if fork else run.request.params, run.thread_choice)
    after = _compared(order.params, order.thread_choice)
    if fork:
        after = {name: value for name, value in after.items() if name not in ("input", "checkpoint", "checkpoint_id")}
    changes = [
        Change(label_of(name), _text(value_at(before, name)), _text(value_at(after, name)))
        for name in differing(before, after)
    ]
    others = (
        ("assistant", run.assistant_id, order.assistant_id),
        ("name", run.name, order.name),
        ("tags", ", ".join(run.tags), ", ".join(order.tags)),
    )
    changes += [Change(label, _text(was), _text(now)) for label, was, now in others if was != now]
    if run.thread_choice != order.thread_choice and not fork:
        was, now = ThreadChoice(run.thread_choice).label, ThreadChoice(order.thread_choice).label
        changes.append(Change("thread", _text(was), _text(now)))
    if run.server_id != order.server.pk:
        changes.append(Change("server", _text(run.server.name), _text(order.server.name)))
    if sorted(run.request.params.get("headers") or []) != sorted(order.headers):
        changes.append(Change("headers"))
    if run.thread_choice == order.thread_choice == ThreadChoice.EXISTING and run.remote_thread_id != order.thread_id:
        changes.append(Change("thread id", _text(run.remote_thread_id), _text(order.thread_id)))
    return Difference(
        tuple(changes[:SHOWN]),
        max(0, len(changes) - SHOWN),
        _refused(run, order.params),
        fork=fork,
        has_input=order.params.get("input") is not None,
    )


def unchanged(run: Run, *, fork: str = "") -> Difference:
    """The difference before anything was changed, in a form for the same again, or for a fork at a checkpoint."""
    return Difference(refused=_refused(run, _taken_over(run) if fork else run.request.params), fork=fork)


def fork_start(run: Run, thread: str, thread_id: str | None, params: Mapping[str, Any]) -> str:
    """The checkpoint of the run's thread at which a launch forks it; "" without a fork."""
    is_on_its_thread = thread == ThreadChoice.EXISTING and thread_id == run.remote_thread_id is not None
    starts_at = params.get("checkpoint_id") or params.get("checkpoint")
    if not is_on_its_thread or not starts_at or starts_at == run.request.params.get("checkpoint_id"):
        return ""
    return starts_at if isinstance(starts_at, str) else str(starts_at.get("checkpoint_id") or "latest")


def _taken_over(run: Run) -> dict[str, Any]:
    """The parameters that a fork takes over."""
    params = run.request.params
    return {name: value for name, value in params.items() if ParentKind.FORK in INHERITED.get(name, frozenset())}


def _text(value: Any) -> str:
    """A value on one short line."""
    if value is MISSING or value in (None, ""):
        return "nothing" if value is not None else "null"
    text = value[: 2 * VALUE_CHARS] if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return seen(clip(" ".join(text.split()), VALUE_CHARS))


def _compared(params: Mapping[str, Any], thread: str) -> dict[str, Any]:
    left_out = {"headers", "if_not_exists"} if thread == ThreadChoice.NEW else {"headers"}
    return {name: value for name, value in params.items() if name not in left_out}


def label_of(name: str) -> str:
    """A field in words: `input/sections/0/heading` is "sections 1 heading"."""
    parameter, *path = name.split("/")
    if not path:
        field = LaunchForm.base_fields.get(parameter)
        return str(field.label or parameter).lower() if field else parameter
    words = [str(int(part) + 1) if part.isdecimal() else unescape(part) for part in path]
    return " ".join(words if parameter == "input" else [parameter, *words])


def _refused(run: Run, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the present schema refuses."""
    assistant = assistant_find(run.server, run.assistant_id)
    found: list[tuple[str, str]] = []
    for document, schema_name in SCHEMAS.items():
        schema = assistant.schemas.get(schema_name) if assistant else None
        if document in params and isinstance(schema, dict):
            for name, sentences in check(schema, params[document], name=document).items():
                found += [(label_of(name), sentence) for sentence in sentences]
    return tuple(found[:SHOWN])

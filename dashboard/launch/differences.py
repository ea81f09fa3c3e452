"""What differs between a launch that is being edited and the run it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.launch.forms import LaunchForm
from dashboard.launch.presets import differing
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.schema_forms import check
from dashboard.schema_forms.pointers import unescape
from dashboard.servers.selectors import assistant_find

SHOWN = 12
SCHEMAS = {"input": "input_schema", "context": "context_schema"}


@dataclass(frozen=True)
class Difference:
    """`fields` are labels of what differs; `refused` are labels with why the assistant's schema no longer takes them.

    `is_known` is False while the form cannot be read.
    """

    fields: tuple[str, ...] = ()
    more: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    is_known: bool = True


def difference(run: Run, order: LaunchOrder | None) -> Difference:
    """How `order` differs from what `run` was launched with; None: the form cannot be read yet."""
    if order is None:
        return Difference(is_known=False, refused=_refused(run, run.request.params))
    before = _compared(run.request.params, run.thread_choice)
    after = _compared(order.params, order.thread_choice)
    labels = [label_of(name) for name in differing(before, after)]
    others = (
        ("assistant", run.assistant_id, order.assistant_id),
        ("server", run.server_id, order.server.pk),
        ("name", run.name, order.name),
        ("tags", list(run.tags), list(order.tags)),
        ("thread", run.thread_choice, order.thread_choice),
        ("headers", sorted(run.request.params.get("headers") or []), sorted(order.headers)),
    )
    labels += [label for label, was, now in others if was != now]
    if run.thread_choice == order.thread_choice == ThreadChoice.EXISTING and run.remote_thread_id != order.thread_id:
        labels.append("thread id")
    return Difference(tuple(labels[:SHOWN]), max(0, len(labels) - SHOWN), _refused(run, order.params))


def unchanged(run: Run) -> Difference:
    """The difference before anything was changed."""
    return Difference(refused=_refused(run, run.request.params))


def _compared(params: Mapping[str, Any], thread: str) -> dict[str, Any]:
    left_out = {"headers", "if_not_exists"} if thread == ThreadChoice.NEW else {"headers"}
    return {name: value for name, value in params.items() if name not in left_out}


def label_of(name: str) -> str:
    """A field as people would say it: `input/sections/0/heading` is "sections 1 heading"."""
    parameter, *path = name.split("/")
    if not path:
        field = LaunchForm.base_fields.get(parameter)
        return str(field.label or parameter).lower() if field else parameter
    words = [str(int(part) + 1) if part.isdecimal() else unescape(part) for part in path]
    return " ".join(words if parameter == "input" else [parameter, *words])


def _refused(run: Run, params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the schema, as it is now, does not take."""
    assistant = assistant_find(run.server, run.assistant_id)
    found: list[tuple[str, str]] = []
    for document, schema_name in SCHEMAS.items():
        schema = assistant.schemas.get(schema_name) if assistant else None
        if document in params and isinstance(schema, dict):
            for name, sentences in check(schema, params[document], name=document).items():
                found += [(label_of(name), sentence) for sentence in sentences]
    return tuple(found[:SHOWN])

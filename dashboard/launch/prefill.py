"""The initial values of a launch form: from the address's query, or an earlier run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from dashboard.launch.fields import JSONText, NodeNames
from dashboard.launch.forms import LaunchForm
from dashboard.launch.headers import MASK
from dashboard.runs.inheritance import run_inherit
from dashboard.runs.models import ParentKind, Run, ThreadChoice
from dashboard.teams.encryption import SecretUnreadable
from dashboard.teams.models import User

VIEWS = ("input", "context", "config")
"""The documents that have a form view and a JSON view."""
# A link that prefills never holds secrets, and cannot pretend to be another form.
NEVER_FROM_A_LINK = {"headers", "launch_key", "parent", "preset"}


def prefill_from_query(query: QueryDict) -> dict[str, Any]:
    """The fields a link names, as typed; they are checked when the form is sent."""
    return {name: query[name] for name in LaunchForm.base_fields if name in query and name not in NEVER_FROM_A_LINK}


def prefill_from_run(run: Run) -> dict[str, Any]:
    """Everything the run was launched with. Header values stay hidden: the mask means "as in that run"."""
    params = run.request.params
    initial: dict[str, Any] = {
        "server": run.server_id,
        "assistant_id": run.assistant_id,
        "name": run.name,
        "tags": ", ".join(run.tags),
        "thread": run.thread_choice,
        "thread_id": run.remote_thread_id if run.thread_choice == "existing" else "",
        "parent": run.pk,
    }
    for name, value in params.items():
        initial[name] = as_typed(name, value)
    if run.thread_choice == "new":
        initial.pop("if_not_exists", None)
    return initial


def prefill_for_fork(run: Run, *, by: User) -> dict[str, Any]:
    """What a fork takes over: everything but the input, on the thread of the run. The checkpoint is in the address."""
    try:
        order = run_inherit(run, ParentKind.FORK, by=by).order
    except SecretUnreadable:
        return {"parent": run.pk}
    initial: dict[str, Any] = {
        "server": run.server_id,
        "assistant_id": run.assistant_id,
        "name": run.name,
        "tags": ", ".join(run.tags),
        "thread": order.thread_choice,
        "thread_id": order.thread_id or "",
        "parent": run.pk,
    }
    params = dict(order.params) | ({"headers": list(order.headers)} if order.headers else {})
    return initial | {name: as_typed(name, value) for name, value in params.items()}


def controls_of(values: Mapping[str, Any], *, server_id: str, assistant_id: str) -> dict[str, str]:
    """A preset's values as controls of the launch form, documents as JSON."""
    controls = {
        "server": server_id,
        "assistant_id": assistant_id,
        "thread": values.get("thread") or ThreadChoice.NEW,
        "thread_id": values.get("thread_id") or "",
        "tags": ", ".join(values.get("tags") or []),
    }
    for name, value in (values.get("params") or {}).items():
        if name == "if_not_exists" and controls["thread"] == ThreadChoice.NEW:
            continue
        controls[name] = str(as_typed(name, value))
    return controls | {f"{name}_view": "json" for name in VIEWS}


def new_launch_key() -> uuid.UUID:
    """A key for a blank form, so that sending it twice launches once."""
    return uuid.uuid4()


def as_typed(name: str, value: Any) -> Any:
    """A parameter as the form's control holds it."""
    if name == "headers":
        return json.dumps(dict.fromkeys(value, MASK), ensure_ascii=False, indent=2)
    field = LaunchForm.base_fields.get(name)
    if isinstance(field, JSONText):
        return _pretty(value)
    if isinstance(field, NodeNames):
        return value if isinstance(value, str) else "\n".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _pretty(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a page cannot contain a lone surrogate
        return json.dumps(value, indent=2)
    return text

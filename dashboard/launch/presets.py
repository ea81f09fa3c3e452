"""Applies a preset to a launch: initial values, and values that nobody may change.

Fields are named as the form names them: a parameter of `wait` (`interrupt_before`), or a document and a JSON Pointer
into it (`input/topic`, `config/configurable/user`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.http import QueryDict

from dashboard.launch.documents import NAMES
from dashboard.launch.models import Preset
from dashboard.launch.prefill import controls_of
from dashboard.runs.services import LaunchOrder
from dashboard.schema_forms import MISSING, Fixed
from dashboard.schema_forms.pointers import join, path_of

DOCUMENTS = ("input", "context", "config", "command", "metadata", "checkpoint", "langsmith_tracing", "params")
"""Parameters that are JSON documents, into which a pointer can lead."""
FORGED = "The preset has locked this field; its value cannot be changed."
ENOUGH = 200


def preset_values(order: LaunchOrder) -> dict[str, Any]:
    """The values of a launch for a preset, without header values, which are secrets, and the launch's name."""
    return {
        "params": {name: value for name, value in order.params.items() if name != "headers"},
        "thread": order.thread_choice,
        "thread_id": order.thread_id,
        "tags": list(order.tags),
    }


def preset_controls(preset: Preset) -> dict[str, str]:
    """The preset as what the launch form's controls would hold, documents as JSON."""
    return controls_of(preset.values, server_id=str(preset.server_id), assistant_id=preset.assistant_id)


def preset_data(preset: Preset, posted: QueryDict) -> QueryDict:
    """The launch of `posted` with a preset: its own values, and the preset's for everything else.

    If any part of a document was posted, all of it is the poster's.
    """
    data = posted.copy()
    for name, value in preset_controls(preset).items():
        document = name.removesuffix("_view")
        is_posted = any(key in (document, f"{document}_view") or key.startswith(f"{document}/") for key in posted)
        if not is_posted:
            data[name] = value
    return data


def preset_fixed(preset: Preset | None) -> dict[str, Fixed]:
    """The fields of each document's form that a preset locks or hides."""
    if preset is None:
        return {}
    return {
        name: Fixed(preset.params.get(name, MISSING), frozenset(preset.locked), frozenset(preset.hidden))
        for name in NAMES
    }


@dataclass(frozen=True)
class Applied:
    """A launch with a preset, and the posted fields that contradict it."""

    order: LaunchOrder
    errors: Mapping[str, list[str]]


def preset_apply(preset: Preset, order: LaunchOrder) -> Applied:
    """Fill in the preset's fixed values where nothing was posted, and refuse other posted values."""
    errors: dict[str, list[str]] = {}
    if order.server.pk != preset.server_id or order.assistant_id != preset.assistant_id:
        errors["assistant_id"] = ["The preset is for another assistant. Launch without it, or with its own."]
    params = copy.deepcopy(dict(order.params))
    wanted = preset.params
    others = {
        "thread": (order.thread_choice, preset.values.get("thread")),
        "thread_id": (order.thread_id or None, preset.values.get("thread_id") or None),
        "tags": (list(order.tags), list(preset.values.get("tags") or [])),
    }
    for name in preset.fixed:
        if name in others:
            if others[name][0] != others[name][1]:
                errors[name] = [FORGED]
            continue
        want, got = value_at(wanted, name), value_at(params, name)
        if got is MISSING:
            if want is not MISSING:
                _put(params, name, want)
        elif not _same(got, want):
            errors[name] = [FORGED]
    return Applied(replace(order, params=params, preset_id=preset.pk), errors)


def value_at(params: Mapping[str, Any], name: str) -> Any:
    """The value of a field, or MISSING."""
    parameter, _, _ = name.partition("/")
    value: Any = params.get(parameter, MISSING)
    for key in path_of(parameter, name):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def _put(params: dict[str, Any], name: str, value: Any) -> None:
    parameter, _, _ = name.partition("/")
    path = path_of(parameter, name)
    if not path:
        params[parameter] = value
        return
    place = params.setdefault(parameter, {})
    for key in path[:-1]:
        if not isinstance(place, dict):
            return
        place = place.setdefault(key, {})
    if isinstance(place, dict):
        place[path[-1]] = value


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three things."""
    if one is MISSING or other is MISSING:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def fields_of(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every field that a preset could fix, with its value: the members of documents, two levels deep, and the rest."""
    for name, value in params.items():
        if name in DOCUMENTS and isinstance(value, dict):
            yield from _members(name, value, depth=2 if name != "config" else 3)
        else:
            yield name, value


def _members(name: str, value: dict[str, Any], *, depth: int) -> Iterator[tuple[str, Any]]:
    for key, member in value.items():
        inner = join(name, key)
        if isinstance(member, dict) and member and depth > 1:
            yield from _members(inner, member, depth=depth - 1)
        else:
            yield inner, member


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The fields in which two launches differ, by name, in the order of the second."""
    names = [name for name, _ in fields_of(after)]
    names += [name for name, _ in fields_of(before) if name not in set(names)]
    found = [name for name in dict.fromkeys(names) if not _same(value_at(before, name), value_at(after, name))]
    return found[:ENOUGH]


def preset_id_of(text: str) -> UUID | None:
    """The id that an address or a form names a preset by; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None

"""Counts the tokens that models used in a run, from the messages that its steps wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

UNKNOWN: Final = "unknown model"
MODELS: Final = 20
DEPTH: Final = 8
MARK: Final = b'"usage_metadata"'


def tokens_of(writes: Iterable[bytes | None], *, before: bytes | None = None) -> dict[str, dict[str, int]]:
    """By model `input`, `output`, `answers`, and `cached` of the input where there is any.

    Each message counts once, however many steps hand it on.

    Args:
        before: The state that the run began with: messages in it are those of earlier runs.
    """
    seen = _ids(before)
    found: dict[str, dict[str, int]] = {}
    for written in writes:
        if written is None or MARK not in written:
            continue
        try:
            value = json.loads(written)
        except (ValueError, RecursionError):
            continue
        for message in _messages(value, DEPTH):
            identity = message.get("id")
            if isinstance(identity, str) and identity in seen:
                continue
            if isinstance(identity, str):
                seen.add(identity)
            _add(found, message)
    return found


def _ids(state: bytes | None) -> set[str]:
    """The ids of the messages in a state that name their tokens."""
    if state is None or MARK not in state:
        return set()
    try:
        value = json.loads(state)
    except (ValueError, RecursionError):
        return set()
    return {message["id"] for message in _messages(value, DEPTH) if isinstance(message.get("id"), str)}


def _messages(value: Any, depth: int) -> Iterable[dict[str, Any]]:
    if depth < 0:
        return
    if isinstance(value, dict):
        if isinstance(value.get("usage_metadata"), dict):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _messages(part, depth - 1)


def _add(found: dict[str, dict[str, int]], message: dict[str, Any]) -> None:
    usage, about = message["usage_metadata"], message.get("response_metadata")
    about = about if isinstance(about, dict) else {}
    model = str(about.get("model_name") or about.get("model") or UNKNOWN)[:200]
    if model not in found and len(found) >= MODELS:
        model = UNKNOWN
    counted = found.setdefault(model, {"input": 0, "output": 0, "answers": 0})
    counted["input"] += _count(usage.get("input_tokens"))
    counted["output"] += _count(usage.get("output_tokens"))
    counted["answers"] += 1
    details = usage.get("input_token_details")
    if cached := _count(details.get("cache_read")) if isinstance(details, dict) else 0:
        counted["cached"] = counted.get("cached", 0) + cached


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else 0

"""The words by which a search finds a run: names, tags, note, input, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.runs.models import Run
from dashboard.runs.summary import command_summary, input_summary, state_of
from dashboard.runs.text import searchable

LAUNCH_CHARS = 8_000
RESULT_CHARS = 6_000
ERROR_CHARS = 12_000


def summary_of(params: Mapping[str, Any], input_schema: Any = None) -> str:
    """What a run is about, from its parameters."""
    if params.get("input") is not None:
        return input_summary(params["input"], input_schema)
    return command_summary(params.get("command"))


def launch_words(run: Run, params: Mapping[str, Any]) -> str:
    """The words of a run that has been launched."""
    words = [run.name, run.summary, *run.tags, run.note, run.assistant_name, run.assistant_id, run.graph_id]
    words += [_text(params[key]) for key in ("input", "command") if key in params]
    return searchable(" ".join(words)[:LAUNCH_CHARS])


def end_words(error: Iterable[str], state: Any) -> str:
    """The words that the end of a run adds."""
    words = " ".join(part[:ERROR_CHARS] for part in error)
    if state is not None:
        words += " " + _text(state)[:RESULT_CHARS]
    return searchable(words)


def body_words(body: bytes | None, state: Any) -> Any:
    """The final state to take words from; of one too large to be read (`state` is None), how it begins."""
    return body[:RESULT_CHARS].decode("utf-8", "replace") if state is None and body else state


def question_words(ending: Mapping[str, Any]) -> tuple[str, ...]:
    """What the questions of an end say, as text."""
    asked = ending.get("interrupts")
    return (
        tuple(_text(each.get("value")) for each in asked if isinstance(each, dict)) if isinstance(asked, list) else ()
    )


def all_words(run: Run, params: Mapping[str, Any], body: bytes | None) -> str:
    """The words of a run whose name, tags or note have changed."""
    error = (
        (run.error_type, run.error_message, run.error_node)
        if run.has_error
        else (run.outcome_text, *question_words(run.ending))
    )
    return f"{launch_words(run, params)} {end_words(error, body_words(body, state_of(body)))}".strip()


def _text(document: Any) -> str:
    """A document as the text of its keys and values, without escapes."""
    try:
        text = json.dumps(document, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    return text.replace("\\u0000", " ").replace("\\n", " ").replace("\\t", " ").replace('\\"', '"')

"""Reads answers of programs: a JSON object from interrupt id to value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, QueryDict

from dashboard.runs.models import Question, WaitState

Errors = dict[str, list[str]]


def posted(request: HttpRequest, *names: str) -> tuple[dict[str, Any], Errors]:
    """The JSON documents of a POST by their names: parts of a JSON body, or form fields that hold JSON text.

    Leaves out what was not sent, and empty form fields.
    """
    if request.content_type == "application/json":
        try:
            body = json.loads(request.body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            return {}, {"body": [f"This is no JSON: {error}"]}
        if not isinstance(body, dict):
            return {}, {"body": ["The body must be a JSON object."]}
        return {name: body[name] for name in names if name in body}, {}
    found: dict[str, Any] = {}
    errors: Errors = {}
    for name in names:
        text = request.POST.get(name, "")
        if text.strip():
            try:
                found[name] = json.loads(text, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                errors[name] = [f"This is no JSON: {error}"]
    return found, errors


def _refuse(token: str) -> Any:
    raise ValueError(f"{token} is no JSON value; use null, or a text.")


def answers_checked(questions: Sequence[Question], answers: Any) -> Errors:
    """What is wrong with answers by interrupt id; {} when nothing is. Any value is fine, `null` too."""
    open_ids = [question.interrupt_id for question in questions if question.state == WaitState.OPEN]
    if not isinstance(answers, dict):
        return {"answers": ["Give an object from a question's id to its answer."]}
    if not answers:
        return {"answers": ["Answer at least one of the questions."]}
    unknown = [name for name in answers if name not in open_ids]
    if unknown:
        ids = ", ".join(open_ids) or "none"
        return {"answers": [f"This run asks nothing with the id {', '.join(unknown)[:400]}. Its questions: {ids}."]}
    return {}


def typed(data: QueryDict) -> list[tuple[str, str]]:
    """The contents of a form, to read and copy: names and texts."""
    names = [name for name in data if name.split("/")[0] in ("answer", "choice", "all", "answers", "update")]
    return [(name.rsplit("/", 1)[-1], value) for name in names if (value := str(data[name]).strip())]

"""Reads answers of programs: a JSON object from interrupt id to value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest, QueryDict

from dashboard.answers.shapes import shape_of
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


def typed(data: QueryDict, questions: Iterable[Question] = ()) -> list[tuple[str, str]]:
    """What somebody entered in a form, to be read and copied: names and texts. Arguments nobody edited are left out."""
    by_id = {question.interrupt_id: question for question in questions}
    found = []
    for name in data:
        kind, _, rest = name.partition("/")
        value = str(data[name]).strip()
        if kind not in ("answer", "choice", "all", "answers", "update") or not value or not _is_edited(name, data):
            continue
        if kind == "choice" and rest in by_id:
            choices = shape_of(by_id[rest]).choices
            value = choices[int(value)].label if value.isdecimal() and int(value) < len(choices) else value
        found.append((rest.rsplit("/", 1)[-1] if "/" in rest else WORDS.get(kind, kind), value))
    return found


WORDS = {"choice": "answer", "all": "for all"}
"""What a control is called whose own name is only a question's id."""


def _is_edited(name: str, data: QueryDict) -> bool:
    """Whether a control is not for an argument, or its action was to be edited."""
    action, mark, _ = name.partition("/edited_action/")
    if not mark:
        action, mark, _ = name.partition("/args/args/")
    return not mark or data.get(f"{action}/type") == "edit"

"""The shape of a question, from its value and schema: it decides which form an answer gets.

Known by name are the two modes of LangChain's human-in-the-loop middleware, and the older `HumanInterrupt` of Agent
Inbox. In each a person decides about actions, and the answer must have exactly the shape that is waited for: a plain
word would make the graph raise, and the question would be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.runs.models import Question

DECISIONS = {"approve": "Approve", "edit": "Edit", "reject": "Reject", "respond": "Respond"}
OLD_DECISIONS = {"accept": "Accept", "edit": "Edit", "response": "Respond", "ignore": "Ignore"}
MESSAGE_DECISIONS = ("reject", "respond", "response")
"""Decisions that can have a text."""
MUST_SAY = ("respond", "response")
"""Decisions that need one."""
OWN_DESCRIPTION = "Tool execution requires approval\n\nTool: "
CHOICES_MAX = 12
CHOICE_KEYS = ("choices", "options", "enum")


@dataclass(frozen=True)
class Choice:
    """One of the answers a question offers."""

    label: str
    value: Any


@dataclass(frozen=True)
class Action:
    """One thing a graph wants to do.

    Attributes:
        field: the name of its controls: the place of its decision in the answer.
        args_field: the place of edited arguments.
        args_schema: the schema of the arguments, from the question's; None when that does not say.
        decisions: the words a person may decide by, in order.
    """

    name: str
    args: Mapping[str, Any]
    description: str
    field: str
    args_field: str
    args_schema: Mapping[str, Any] | None
    decisions: tuple[str, ...]

    def label(self, decision: str) -> str:
        """The word on a button."""
        return DECISIONS.get(decision) or OLD_DECISIONS[decision]


@dataclass(frozen=True)
class Shape:
    """What kind of answer a question takes.

    `kind` is one of `batched`, `per_call`, `human_interrupt`, `human_interrupts` (these are about `actions`), `schema`,
    `choices`, `yes_no` and `free`.
    """

    kind: str
    actions: tuple[Action, ...] = ()
    choices: tuple[Choice, ...] = field(default=())

    @property
    def is_decision(self) -> bool:
        return bool(self.actions)


def shape_of(question: Question) -> Shape:
    """The shape of a question, to show its form and to read it."""
    value = question.value if question.has_value else None
    return shape_for(value, question.response_schema, f"answer/{question.interrupt_id}")


def shape_for(value: Any, schema: Any, name: str = "") -> Shape:
    """The shape of a question that is read without its model. `name`: what the names of its controls begin with."""
    return (
        _batched(value, name)
        or _per_call(value, schema, name)
        or _human_interrupt(value, name)
        or (Shape("schema") if isinstance(schema, dict) and schema else None)
        or _choices(value)
        or Shape("yes_no" if isinstance(value, bool) else "free")
    )


def _batched(value: Any, name: str) -> Shape | None:
    requests = value.get("action_requests") if isinstance(value, dict) else None
    configs = value.get("review_configs") if isinstance(value, dict) else None
    if not isinstance(requests, list) or not isinstance(configs, list) or not requests:
        return None
    allowed = {
        config.get("action_name"): config.get("allowed_decisions") for config in configs if isinstance(config, dict)
    }
    actions = []
    for place, request in enumerate(requests):
        if not isinstance(request, dict) or not isinstance(request.get("args"), dict):
            return None
        decisions = _known(allowed.get(request.get("name")), DECISIONS)
        where = f"{name}/decisions/{place}"
        actions.append(_action(request, where, f"{where}/edited_action/args", None, decisions))
    return Shape("batched", tuple(actions)) if all(action.decisions for action in actions) else None


def _per_call(value: Any, schema: Any, name: str) -> Shape | None:
    if not isinstance(value, dict) or value.get("type") != "tool_approval" or not isinstance(value.get("args"), dict):
        return None
    branches = _branches(schema)
    decisions = _known(list(branches) if branches else list(DECISIONS), DECISIONS)
    edited = _at(schema, branches.get("edit"), "edited_action")
    args_schema = _at(schema, edited, "args")
    if args_schema is not None and isinstance(schema, dict) and "$defs" in schema:
        args_schema = {**args_schema, "$defs": schema["$defs"]}
    action = _action(value, name, f"{name}/edited_action/args", args_schema, decisions)
    return Shape("per_call", (action,)) if decisions else None


def _human_interrupt(value: Any, name: str) -> Shape | None:
    asked = value if isinstance(value, list) else [value]
    actions = []
    for place, one in enumerate(asked):
        request = one.get("action_request") if isinstance(one, dict) else None
        config = one.get("config") if isinstance(one, dict) else None
        if not isinstance(request, dict) or not isinstance(config, dict) or not isinstance(request.get("args"), dict):
            return None
        may = {"accept": "allow_accept", "edit": "allow_edit", "response": "allow_respond", "ignore": "allow_ignore"}
        decisions = tuple(word for word, key in may.items() if config.get(key))
        where = f"{name}/{place}" if isinstance(value, list) else name
        normalized = {"name": request.get("action"), "args": request["args"], "description": one.get("description")}
        actions.append(_action(normalized, where, f"{where}/args/args", None, decisions))
    if not actions or not all(action.decisions for action in actions):
        return None
    return Shape("human_interrupts" if isinstance(value, list) else "human_interrupt", tuple(actions))


def _action(
    request: Mapping[str, Any],
    where: str,
    args_field: str,
    args_schema: Mapping[str, Any] | None,
    decisions: tuple[str, ...],
) -> Action:
    return Action(
        name=str(request.get("name") or "action"),
        args=request["args"],
        description=_description(request),
        field=where,
        args_field=args_field,
        args_schema=args_schema,
        decisions=decisions,
    )


def _description(request: Mapping[str, Any]) -> str:
    """The description of an action, without the middleware's own words, which only repeat its arguments."""
    text = request.get("description")
    return text if isinstance(text, str) and not text.startswith(OWN_DESCRIPTION) else ""


def _known(allowed: Any, words: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for word in words if word in allowed) if isinstance(allowed, list) else tuple(words)


def _branches(schema: Any) -> dict[str, Any]:
    """The branches of a decision's schema by the word each is chosen by; a single one has no `oneOf`."""
    if not isinstance(schema, dict):
        return {}
    found = {}
    for branch in schema.get("oneOf") or schema.get("anyOf") or [schema]:
        resolved = _resolved(schema, branch)
        word = _at(schema, resolved, "type")
        if word is not None and isinstance(word.get("const"), str):
            found[word["const"]] = resolved
    return found


def _at(root: Any, schema: Any, key: str) -> dict[str, Any] | None:
    """The schema of a property."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return _resolved(root, properties[key]) if isinstance(properties, dict) and key in properties else None


def _resolved(root: Any, schema: Any) -> dict[str, Any] | None:
    """A schema, or the one of `$defs` that it refers to."""
    if not isinstance(schema, dict):
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        found = (root.get("$defs") or {}).get(reference.removeprefix("#/$defs/"))
        return found if isinstance(found, dict) else None
    return schema


def _choices(value: Any) -> Shape | None:
    """The answers that a question's value offers: texts, numbers, or objects with a label and a value."""
    if not isinstance(value, dict):
        return None
    for key in CHOICE_KEYS:
        offered = value.get(key)
        if isinstance(offered, list) and 0 < len(offered) <= CHOICES_MAX:
            choices = [_choice(one) for one in offered]
            if all(choices):
                return Shape("choices", choices=tuple(choice for choice in choices if choice))
    return None


def _choice(offered: Any) -> Choice | None:
    if isinstance(offered, str | int | float | bool):
        return Choice(str(offered) if isinstance(offered, str) else _word(offered), offered)
    if isinstance(offered, dict) and "value" in offered:
        return Choice(str(offered.get("label") or offered["value"]), offered["value"])
    return None


def _word(value: float | bool) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"

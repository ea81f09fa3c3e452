"""A small JSON value, such as an input or a question, as a tree of bounded size. Final states: see `document.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dashboard.runs.state.seen import cut, showable

TREE_NODES = 1_500
TREE_CHARS = 400_000
KEY_CHARS = 200
TREE_DEPTH = 40
TEXT_CHARS = 4_000


@dataclass
class Node:
    """One place in the tree. `kind` is JSON's type; `text` is the value as shown; `hidden` says what was left out."""

    label: str
    kind: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    hidden: int = 0
    is_long: bool = False


@dataclass
class Budget:
    """How many nodes, and characters in them, may still be laid out."""

    nodes: int = TREE_NODES
    chars: int = TREE_CHARS


def value_tree(value: Any, budget: Budget | None = None) -> Node:
    """Any JSON value as a tree within `budget`, which several may share; what does not fit is counted."""
    return _node("", value, budget or Budget(), TREE_DEPTH)


def _node(label: str, value: Any, budget: Budget, depth: int) -> Node:
    budget.nodes -= 1
    budget.chars -= len(label)
    if isinstance(value, dict | list):
        kind = "object" if isinstance(value, dict) else "array"
        node = Node(label, kind, text=_count(value))
        for key, part in _parts(value):
            if budget.nodes <= 0 or budget.chars <= 0 or depth <= 0:
                node.hidden += 1
                continue
            node.children.append(_node(key, part, budget, depth - 1))
        return node
    return _leaf(label, value, budget)


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((cut(showable(str(key)), KEY_CHARS), part) for key, part in value.items())
    else:
        yield from ((str(index), part) for index, part in enumerate(value))


def _leaf(label: str, value: Any, budget: Budget) -> Node:
    if value is None:
        return Node(label, "null", "null")
    if isinstance(value, bool):
        return Node(label, "boolean", "true" if value else "false")
    if isinstance(value, int | float):
        return Node(label, "number", _number(value))
    text = showable(str(value))
    shown = text[: max(0, min(TEXT_CHARS, budget.chars))]
    budget.chars -= len(shown)
    return Node(
        label,
        "string",
        shown,
        hidden=len(text) - len(shown),
        is_long=len(text) > 80 or "\n" in text,
    )


def _number(value: float) -> str:
    try:
        return json.dumps(value)
    except ValueError:  # an integer of more digits than Python likes to print
        return hex(int(value))


def _count(value: dict[str, Any] | list[Any]) -> str:
    words = ("key", "keys") if isinstance(value, dict) else ("item", "items")
    return f"{len(value)} {words[0] if len(value) == 1 else words[1]}"

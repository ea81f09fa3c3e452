"""What a link hides, and how to remove it from a document.

A place hidden by its pointer is hidden by its value too: the same text standing elsewhere, as in an error message or
the run's name, is hidden there. So hiding has two passes: `learn` collects such values, then `text` and `value` hide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.runs.state.json_values import Number, TooDeep
from dashboard.sharing.redaction.kinds import KINDS, Hide, is_secret_key
from dashboard.sharing.redaction.patterns import pattern_compile

DEPTH_MAX: Final = 200
LEARNED_MAX: Final = 500
LEARNED_CHARS: Final = 4
"""Shorter values are hidden at their places only: "no" is everywhere."""
JSON_TEXT_CHARS: Final = 200_000
_ORDINARY: Final = frozenset(
    "human user assistant system tool function developer text image image_url file true false null none error success "
    "HumanMessage AIMessage ToolMessage SystemMessage".split()
)
"""Words that messages are built of; hiding them everywhere would hide who speaks."""
_OF_MESSAGES: Final = frozenset(
    "name type role id content tool_calls invalid_tool_calls tool_call_id args arguments function status "
    "additional_kwargs response_metadata".split()
)
"""Members that messages and tool calls are made of: they are hidden by their place only, not by their name."""

Trie = dict[str | None, Any]
"""Pointers as a tree of their steps; None marks where one ends."""


@dataclass(frozen=True)
class Rules:
    """What to show of a result and what to hide everywhere. Pointers are JSON Pointers into the final state.

    Attributes:
        keys: The places of the result that are shown; empty for all.
        redact: Places that are hidden; members of the same name are hidden in messages, steps, input and parameters.
        kinds: Names of `KINDS`.
        patterns: One's own, in the language of `patterns.py`.
    """

    keys: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def hides_nothing(self) -> bool:
        return not (self.redact or self.kinds or self.patterns)

    @property
    def names(self) -> frozenset[str]:
        """The names of hidden members."""
        last = (_steps(pointer)[-1] for pointer in self.redact if pointer)
        return frozenset(name for name in last if not name.isdigit())


def mask(kind: str, text: str) -> str:
    """The replacement for hidden text."""
    return f"[{kind} hidden]" if kind else "[hidden]"


class Redactor:
    """Removes what the rules hide from texts and documents."""

    def __init__(self, rules: Rules, hide: Hide = mask) -> None:
        self.rules = rules
        self._hide = hide
        self._names = rules.names
        self._tree = pointer_tree(rules.redact)
        self._kinds = [kind for name, kind in KINDS.items() if name in rules.kinds]
        self._by_secret_key = "secret" in rules.kinds
        self._patterns = [pattern_compile(text) for text in rules.patterns]
        self._learned: dict[str, None] = {}
        self.learned: list[str] = []
        """The values at hidden places, longest first; may be set to those of another redaction."""

    def learn(self, value: Any, *, by_name: bool) -> None:
        """Remember the values that are hidden at their places of a document. See `value`."""
        if self.rules.redact or self._by_secret_key:
            Walk(self, self._learn, by_name=by_name, is_learning=True).of(value)
            self.learned = sorted(self._learned, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without anything the rules hide."""
        for literal in self.learned:
            if literal in text:
                text = text.replace(literal, self._hide("", literal))
        for kind in self._kinds:
            text = kind.take_out(text, self._hide)
        for pattern in self._patterns:
            text = pattern.sub(lambda found: self._hide("", found[0]), text)
        return text

    def value(self, value: Any, *, by_name: bool) -> Any:
        """The JSON value without anything the rules hide.

        Args:
            by_name: Whether members are also hidden by their names wherever they stand; always so in messages.

        Raises:
            TooDeep: It is nested too deeply to be searched.
        """
        return Walk(self, self._place, by_name=by_name).of(value)

    def _place(self, value: Any) -> str:
        return self._hide("", value if isinstance(value, str) else dump(value))

    def _learn(self, value: Any) -> str:
        for leaf in _leaves(value):
            text = str(leaf)
            if len(self._learned) >= LEARNED_MAX:
                break
            if len(text.strip()) >= LEARNED_CHARS and text not in _ORDINARY:
                for written in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
                    self._learned.setdefault(written)
        return ""


class Walk:
    """One pass over a document, which calls `place` with every value hidden at its place."""

    def __init__(
        self, redactor: Redactor, place: Callable[[Any], str], *, by_name: bool, is_learning: bool = False
    ) -> None:
        self._redactor, self._place, self._by_name, self._is_learning = redactor, place, by_name, is_learning

    def of(self, value: Any) -> Any:
        redactor = self._redactor
        is_talk = isinstance(value, list)
        return self._value(value, redactor._tree, by_name=self._by_name or is_talk, depth=0)

    def _value(self, value: Any, tree: Trie | None, *, by_name: bool, depth: int) -> Any:
        if tree is not None and None in tree:
            return self._place(value)
        if depth > DEPTH_MAX:
            raise TooDeep(f"nested more than {DEPTH_MAX} levels")
        if isinstance(value, dict):
            return self._members(value, tree, by_name=by_name, depth=depth)
        if isinstance(value, list):
            at = tree or {}
            return [
                self._value(one, at.get(str(number)), by_name=by_name, depth=depth + 1)
                for number, one in enumerate(value)
            ]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, str) and not isinstance(value, Number):
            return self._string(value, by_name=by_name, depth=depth)
        text = str(value)
        hidden = self._redactor.text(text) if not self._is_learning else text
        return value if hidden == text else hidden

    def _members(self, value: dict[str, Any], tree: Trie | None, *, by_name: bool, depth: int) -> dict[str, Any]:
        redactor, at = self._redactor, tree or {}
        found: dict[str, Any] = {}
        names = redactor._names - _OF_MESSAGES if _is_of_messages(value) else redactor._names
        for key, one in value.items():
            is_named = (by_name and key in names) or (redactor._by_secret_key and is_secret_key(key))
            if is_named and one not in (None, "", [], {}):
                shown: Any = self._place(one)
            else:
                inside = by_name or (depth == 0 and key == "messages")
                shown = self._value(one, at.get(key), by_name=inside, depth=depth + 1)
            name = key if self._is_learning else redactor.text(key)
            found[_new(name, found)] = shown
        return found

    def _string(self, text: str, *, by_name: bool, depth: int) -> str:
        redactor = self._redactor
        # Arguments of tools come as JSON in a text, and so do the answers of many.
        if text[:1] in ("{", "[") and len(text) <= JSON_TEXT_CHARS and (redactor._by_secret_key or by_name):
            try:
                inner = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
            except (ValueError, RecursionError):
                inner = None
            if isinstance(inner, dict | list):
                hidden = self._value(inner, None, by_name=by_name, depth=depth + 1)
                if hidden != inner:
                    return dump(hidden, ascii_only=False)
        return text if self._is_learning else redactor.text(text)


def pointer_tree(pointers: Sequence[str]) -> Trie:
    """Pointers as a tree of their steps; None marks where one ends."""
    tree: Trie = {}
    for pointer in pointers:
        at = tree
        for step in _steps(pointer):
            at = at.setdefault(step, {})
        at[None] = True
    return tree


def pick(value: Any, tree: Trie | None) -> Any:
    """Only the places of the tree, in their objects and lists; places that are not there are left out."""
    if tree is None or None in tree:
        return value
    if isinstance(value, dict):
        return {key: pick(one, tree[key]) for key, one in value.items() if key in tree and _has(one, tree[key])}
    if isinstance(value, list):
        chosen = [(str(number), one) for number, one in enumerate(value)]
        return [pick(one, tree[number]) for number, one in chosen if number in tree and _has(one, tree[number])]
    return value


def _has(value: Any, tree: Trie) -> bool:
    """Whether a place of the tree exists."""
    if None in tree:
        return True
    if isinstance(value, dict):
        return any(key in tree and _has(one, tree[key]) for key, one in value.items())
    if isinstance(value, list):
        return any(str(number) in tree and _has(one, tree[str(number)]) for number, one in enumerate(value))
    return False


def dump(value: Any, *, indent: int = 0, level: int = 0, ascii_only: bool = True) -> str:
    """JSON text of a value, its numbers as they were written. With `indent`, a line for each member."""
    gap = "\n" + " " * indent * (level + 1) if indent else ""
    end = "\n" + " " * indent * level if indent else ""
    comma = "," if indent else ", "

    def inner(one: Any) -> str:
        return dump(one, indent=indent, level=level + 1, ascii_only=ascii_only)

    if isinstance(value, dict) and value:
        members = (f"{gap}{json.dumps(key, ensure_ascii=ascii_only)}: {inner(one)}" for key, one in value.items())
        return "{" + comma.join(members) + end + "}"
    if isinstance(value, list) and value:
        return "[" + comma.join(gap + inner(one) for one in value) + end + "]"
    if isinstance(value, Number):
        return str(value)
    return json.dumps(value, ensure_ascii=ascii_only)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _is_of_messages(value: dict[str, Any]) -> bool:
    """Whether it is a message, a tool call, or the function of one."""
    is_message = "content" in value and ("type" in value or "role" in value)
    return is_message or ("name" in value and ("args" in value or "arguments" in value))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield value


def _new(name: str, taken: dict[str, Any]) -> str:
    """A free name: two members may have the same name after something in it was hidden."""
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)

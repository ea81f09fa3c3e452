"""JSON documents as they come: is one whole, and what does it hold?

The whole-or-not question must be answered for bodies of 64 MB and for 10,000 levels of nesting without building their
Python objects. Three levels at a time are matched by one regular expression with possessive repeats (C speed,
no backtracking, no memory); a stack of one byte a level does the rest. Measured: 25-75 MB/s, no memory beyond the body.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any, Final, TypeAlias

import orjson

Bytes: TypeAlias = bytes | bytearray
"""A document; a bytearray when it has just been read, which is never changed any more."""

_WS: Final = rb"[ \t\n\r]*+"
STRING: Final = rb'"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER: Final = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_SCALAR: Final = rb"(?>" + STRING + rb"|" + _NUMBER + rb"|true|false|null|NaN|-?Infinity)"


def _nested(value: bytes) -> bytes:
    """A pattern for `value`, or a list or object of at most 31 `value`s."""
    member = STRING + _WS + rb":" + _WS + value + _WS
    item = value + _WS
    array = rb"\[" + _WS + rb"(?:" + item + rb"(?:," + _WS + item + rb"){0,30}+)?+\]"
    mapping = rb"\{" + _WS + rb"(?:" + member + rb"(?:," + _WS + member + rb"){0,30}+)?+\}"
    return rb"(?>" + _SCALAR + rb"|" + array + rb"|" + mapping + rb")"


_VALUE_PATTERN: Final = _nested(_nested(_nested(_SCALAR)))
_SPACE: Final = re.compile(_WS)
_VALUE: Final = re.compile(_VALUE_PATTERN)
_KEY: Final = re.compile(STRING + _WS + rb":" + _WS)
_KEY_ALONE: Final = re.compile(STRING + _WS)
_NUMBER_TAIL: Final = re.compile(rb"(?:\.|[eE][+\-]?)\Z")
_OPEN_LIST, _OPEN_OBJECT, _COMMA = b"[{,"
_SPACES: Final = b" \t\n\r"
# Bounded, as are the lists inside: `re` holds the GIL while it matches, and the event loop wants its turn.
_ITEMS: Final = re.compile(rb"(?:" + _VALUE_PATTERN + _WS + rb"," + _WS + rb"){1,50}+")
MEMBER: Final = STRING + _WS + rb":" + _WS + _VALUE_PATTERN + _WS + rb"," + _WS
"""A key, a value that is not nested too deeply, and the comma after them."""
_MEMBERS: Final = re.compile(rb"(?:" + MEMBER + rb"){1,50}+")
_UNFINISHED: Final = re.compile(
    rb'(?:"(?:[^"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+(?:\\(?:u[0-9a-fA-F]{0,3})?)?'
    rb"|-?[0-9]*+[.eE+\-0-9]*+|t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?|N(?:aN?)?"
    rb"|-?I(?:n(?:f(?:i(?:n(?:i(?:ty?)?)?)?)?)?)?)\Z"
)

SMALL_BYTES: Final = 256 * 1024
"""Up to here a body is simply parsed to see whether it is whole; beyond, it is scanned (and in a thread)."""


class DocumentState(Enum):
    """Whether bytes are one JSON document."""

    WHOLE = "whole"
    """One complete document. NaN, Infinity, lone surrogates, duplicate keys and any depth are fine."""
    CUT = "cut"
    """The beginning of one, or nothing at all: more was to come."""
    FOREIGN = "foreign"
    """Not JSON and not the beginning of it: an HTML page, say."""


def document_state(body: Bytes) -> DocumentState:
    """Tell whether `body` is one whole JSON document. Linear in time, no memory beyond the body, never recurses.

    A bare number cut short (`12` of `123`) cannot be told from a whole one; LangGraph states are objects or lists.
    """
    if len(body) <= SMALL_BYTES:
        try:
            orjson.loads(body)
            return DocumentState.WHOLE
        except orjson.JSONDecodeError:
            pass
    return _scan(body)


def is_self_delimiting(body: Bytes) -> bool:
    """Whether a whole document shows its own end: an object, list or string does, a number or a literal does not."""
    return body[:1] in (b"{", b"[", b'"')


def _scan(body: Bytes) -> DocumentState:
    state, end = walk_value(body, skip_space(body, 0))
    if state is not DocumentState.WHOLE:
        return state
    return DocumentState.WHOLE if is_space_before_end(body, end) else _unfinished_number(body, skip_space(body, end))


def walk_value(body: Bytes, at: int) -> tuple[DocumentState, int]:
    """Walk over the one value that begins at `at`. Gives its state, and where it ends when it is whole (else 0)."""
    match_value, match_space = _VALUE.match, _SPACE.match
    stack = bytearray()
    size = len(body)
    while True:
        # A value is expected at `at`.
        if value := match_value(body, at):
            at = value.end()
        elif at >= size:
            return DocumentState.CUT, 0
        elif body[at] == _OPEN_LIST:
            stack.append(_OPEN_LIST)
            at = skip_matches(_ITEMS, body, skip_space(body, at + 1))
            continue
        elif body[at] == _OPEN_OBJECT:
            stack.append(_OPEN_OBJECT)
            members = skip_matches(_MEMBERS, body, skip_space(body, at + 1))
            if not (key := _KEY.match(body, members)):
                return _unfinished_member(body, members), 0
            at = key.end()
            continue
        else:
            return _unfinished(body, at), 0
        # A value has just ended at `at`: close what it closes, up to the next comma.
        while stack:
            if at < size and body[at] in _SPACES and (space := match_space(body, at)):
                at = space.end()
            if at == size:
                return DocumentState.CUT, 0
            char, top = body[at], stack[-1]
            if char == top + 2:  # "]" is "[" + 2, "}" is "{" + 2
                stack.pop()
                at += 1
                continue
            if char != _COMMA:
                return _unfinished_number(body, at), 0
            at = skip_space(body, at + 1)
            if top == _OPEN_LIST:
                at = skip_matches(_ITEMS, body, at)
            else:
                members = skip_matches(_MEMBERS, body, at)
                if not (key := _KEY.match(body, members)):
                    return _unfinished_member(body, members), 0
                at = key.end()
            break
        else:
            return DocumentState.WHOLE, at


def is_space_before_end(body: Bytes, at: int) -> bool:
    """Whether nothing but white space stands from `at` to the end."""
    return skip_space(body, at) == len(body)


def skip_space(body: Bytes, at: int) -> int:
    """Where the white space that may stand at `at` ends."""
    if at < len(body) and body[at] in _SPACES and (found := _SPACE.match(body, at)):
        return found.end()
    return at


def skip_matches(pattern: re.Pattern[bytes], body: Bytes, at: int) -> int:
    """Where the last of the matches ends that follow each other from `at` on; `at` when there is none."""
    while found := pattern.match(body, at):
        at = found.end()
    return at


def _unfinished(body: Bytes, at: int) -> DocumentState:
    return DocumentState.CUT if at >= len(body) or _UNFINISHED.match(body, at) else DocumentState.FOREIGN


def _unfinished_number(body: Bytes, at: int) -> DocumentState:
    """After a value: `1.` or `1e` cut short is the beginning of a number, anything else is not JSON."""
    if at >= len(body):
        return DocumentState.CUT
    is_number = _NUMBER_TAIL.match(body, at) and body[at - 1 : at].isdigit()
    return DocumentState.CUT if is_number else DocumentState.FOREIGN


def _unfinished_member(body: Bytes, at: int) -> DocumentState:
    """Where a key and its colon should stand: a key cut short, or one whose colon is still to come."""
    if at >= len(body):
        return DocumentState.CUT
    if body[at : at + 1] != b'"':
        return DocumentState.FOREIGN
    whole = _KEY_ALONE.match(body, at)
    return DocumentState.CUT if whole and whole.end() == len(body) else _unfinished(body, at)


def parse_document(body: Bytes) -> Any:
    """The Python value of one JSON document: by orjson, else the standard library, else a parser that never recurses.

    Raises:
        ValueError: `body` is not one whole JSON document.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as refused:
        text = body.decode("utf-8", "surrogatepass")
        try:
            return json.loads(text, strict=False)
        except (RecursionError, ValueError):
            if document_state(body) is not DocumentState.WHOLE:
                raise ValueError(str(refused)) from refused
            return _parse_deep(text)


_DEEP_SCALAR: Final = re.compile(r"[^\s,\]}:]++")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_scanstring: Final = json.decoder.scanstring  # type: ignore[attr-defined]


def _parse_deep(text: str) -> Any:
    """Parse a document already known to be whole, with a stack of our own."""
    root: list[Any] = []
    stack: list[Any] = [root]
    at, end = 0, len(text)
    key: str | None = None
    while at < end:
        char = text[at]
        if char in " \t\n\r,:":
            at += 1
            continue
        if char in "]}":
            stack.pop()
            at += 1
            continue
        container = stack[-1]
        if char == '"':
            value, at = _scanstring(text, at + 1, False)
            if isinstance(container, dict) and key is None:
                key = value
                continue
        elif char in "[{":
            value, at = ([] if char == "[" else {}), at + 1
        else:
            word = _DEEP_SCALAR.match(text, at)
            if word is None:
                raise ValueError(f"not JSON at character {at}")
            value, at = _scalar(word.group()), word.end()
        if isinstance(container, dict):
            container[key] = value
            key = None
        else:
            container.append(value)
        if char in "[{":
            stack.append(value)
    return root[0]


def _scalar(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    try:
        return int(word)
    except ValueError:
        return float(word.replace("Infinity", "inf"))

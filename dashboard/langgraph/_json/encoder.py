"""Python values to JSON bytes: with orjson exactly as the SDK calls it, and more slowly for what orjson refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from dashboard.langgraph.errors import RequestInvalid

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode_json(value: Any) -> bytes:
    """Encode `value` as the SDK does (NaN and Infinity become null, sets become lists, models are dumped).

    What orjson cannot hold (integers beyond 64 bits, lone surrogates, more than 254 levels) is encoded as the standard
    library would, in ASCII, without a limit of depth.

    Raises:
        RequestInvalid: `value` holds an object JSON has no form for, or contains itself. Nothing was sent.
    """
    try:
        written = orjson.dumps(value, _default, _OPTIONS)
        # orjson's own bytes keep the buffer they were written into, which is far larger for a short document.
        return bytes(memoryview(written)) if len(written) < 4096 else written
    except orjson.JSONEncodeError as refused:
        try:
            return "".join(_Encoder().pieces(value)).encode("ascii")
        except (TypeError, ValueError) as error:
            raise RequestInvalid(f"The request cannot be written as JSON: {error}.") from refused


def _default(value: Any) -> Any:
    """What the SDK offers orjson for foreign objects: pydantic models and sets."""
    for method in ("model_dump", "dict"):
        dump = getattr(value, method, None)
        if callable(dump) and not isinstance(value, type):
            return dump()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"an object of type {type(value).__name__} has no JSON form")


def _leaf(value: Any) -> str | None:
    """The JSON text of a value that contains no others, or None for a container."""
    if isinstance(value, str):
        return json.dumps(str(value))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return json.dumps(int(value))
    if isinstance(value, float):
        return json.dumps(float(value)) if math.isfinite(value) else "null"
    return None


class _Encoder:
    """Walks without recursing, so depth is bounded by memory only; `_open` catches what contains itself."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def pieces(self, root: Any) -> Iterator[str]:
        """The JSON text of `root`, piece by piece."""
        stack: list[tuple[Iterator[tuple[str, Any]], str, int]] = []
        prefix, value = "", root
        while True:
            yield prefix
            leaf, value = self._settle(value)
            if leaf is not None:
                yield leaf
            else:
                if id(value) in self._open:
                    raise ValueError("it contains itself")
                self._open.add(id(value))
                opening, entries, closing = self._container(value)
                yield opening
                stack.append((entries, closing, id(value)))
            while stack:
                entries, closing, identity = stack[-1]
                entry = next(entries, None)
                if entry is not None:
                    prefix, value = entry
                    break
                yield closing
                stack.pop()
                self._open.discard(identity)
            else:
                return

    def _settle(self, value: Any) -> tuple[str | None, Any]:
        """Reduce a foreign object to JSON text, or to a dict, list or tuple."""
        for _ in range(10):
            leaf = _leaf(value)
            if leaf is not None or isinstance(value, dict | list | tuple):
                return leaf, value
            try:
                return orjson.dumps(value, None, _OPTIONS).decode(), value
            except orjson.JSONEncodeError:
                value = _default(value)
        raise TypeError("its model_dump() never becomes plain data")

    def _container(self, value: Any) -> tuple[str, Iterator[tuple[str, Any]], str]:
        if isinstance(value, dict):
            return "{", _separated(value.items(), lambda entry: (_key(entry[0]) + ":", entry[1])), "}"
        return "[", _separated(value, lambda entry: ("", entry)), "]"


def _separated(entries: Iterable[Any], split: Callable[[Any], tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for index, entry in enumerate(entries):
        prefix, value = split(entry)
        yield ("," + prefix if index else prefix), value


def _key(key: Any) -> str:
    leaf = _leaf(key)
    if leaf is None:
        return orjson.dumps({key: None}, None, _OPTIONS)[1:-6].decode()
    return leaf if leaf.startswith('"') else json.dumps(leaf)

"""Control names: the name of the form, then the JSON Pointer of the value (`input/sections/0/heading`)."""

from __future__ import annotations

from typing import Any


def join(name: str, key: str | int) -> str:
    """The name of the member `key` of the value called `name`."""
    return f"{name}/{escape(str(key))}"


def escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def unescape(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")


def name_of(name: str, path: Any) -> str:
    """The name of the value at `path` (keys and indexes) of the form called `name`."""
    for key in path:
        name = join(name, key)
    return name


def path_of(name: str, control: str) -> list[str]:
    """The keys from the form called `name` to `control`, as texts."""
    rest = control[len(name) :]
    return [unescape(segment) for segment in rest.split("/")[1:]] if rest else []

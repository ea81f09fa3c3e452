"""The controls of a form as they were posted, as a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict

from dashboard.schema_forms.pointers import unescape

MARKS: Final = ("given", "kind", "key", "order", "paste")
UPLOAD: Final = "upload"
_DEEPEST: Final = 60


@dataclass
class Posted:
    """What was posted under one name: its text, its marks (`given/<name>`, ...) and what is below it."""

    text: str | None = None
    marks: dict[str, str] = field(default_factory=dict)
    upload: Any = None
    members: dict[str, Posted] = field(default_factory=dict)

    def below(self, segment: str) -> Posted | None:
        return self.members.get(segment)

    @property
    def is_typed(self) -> bool:
        """Whether anything was posted here or below."""
        if self.text or self.upload is not None or self.marks.get("paste", "").strip():
            return True
        if self.marks.get("given") in ("value", "null"):
            return True
        return any(member.is_typed for member in self.members.values())

    def items(self) -> list[tuple[str, Posted]]:
        """The rows of a list, by their number."""
        rows = [(segment, member) for segment, member in self.members.items() if segment.isdecimal()]
        return sorted(rows, key=lambda row: (len(row[0]), row[0]))


def posted_tree(name: str, data: QueryDict, files: Mapping[str, Any] | None = None) -> Posted:
    """The tree of every control of the form called `name`."""
    root = Posted()
    prefixes = {f"{mark}/{name}": mark for mark in MARKS}
    for control in data:
        mark, rest = "", None
        if control.startswith(name):
            rest = control[len(name) :]
        else:
            for prefix, word in prefixes.items():
                if control.startswith(prefix):
                    mark, rest = word, control[len(prefix) :]
                    break
        if rest is None or (rest and rest[0] != "/"):
            continue
        place = _place(root, rest)
        if place is None:
            continue
        text = _text(data, control)
        if mark:
            place.marks[mark] = text
        else:
            place.text = text
    for control, upload in (files or {}).items():
        prefix = f"{UPLOAD}/{name}"
        rest = control[len(prefix) :]
        if control.startswith(prefix) and (not rest or rest[0] == "/") and (place := _place(root, rest)):
            place.upload = upload
    return root


def _place(root: Posted, rest: str) -> Posted | None:
    place = root
    segments = rest.split("/")[1:] if rest else []
    if len(segments) > _DEEPEST:
        return None
    for segment in segments:
        place = place.members.setdefault(segment, Posted())
    return place


def _text(data: QueryDict, control: str) -> str:
    """The control's text; browsers send line breaks as \\r\\n, whatever was in the page."""
    value = data.get(control)
    return str(value if value is not None else "").replace("\r\n", "\n").replace("\r", "\n")


def key_of(segment: str, member: Posted) -> str:
    """The key of a mapping's row: as typed, else as in the control's name."""
    typed = member.marks.get("key")
    return typed if typed is not None else unescape(segment)

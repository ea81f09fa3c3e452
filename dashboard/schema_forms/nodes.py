"""What the templates of a form render: one node for each value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from django.template import Context, Template, engines
from django.utils.safestring import SafeString, mark_safe

from dashboard.schema_forms.leaf import leaf_html

MOST_NODES: Final = 1200
"""A form with more nodes is edited as JSON in part."""

_ODD: Final = re.compile(r"[^A-Za-z0-9_/~.-]")


def id_of(name: str) -> str:
    """An id for the control called `name`."""
    return "id_" + _ODD.sub(lambda found: f":{ord(found[0]):x}:", name)


@lru_cache(maxsize=32)
def _template(name: str) -> Template:
    return engines["django"].engine.get_template(f"schema_forms/{name}.html")  # type: ignore[attr-defined,no-any-return]


@dataclass
class Option:
    """One of the choices of a control."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass
class Node:
    """One value of the form. `template` draws it; `value` is the text in its control."""

    template: str
    name: str
    label: str = ""
    control: str = ""
    value: str = ""
    help: str = ""
    more: str = ""
    note: str = ""
    bounds: str = ""
    placeholder: str = ""
    required: bool = False
    locked: bool = False
    focus: bool = False
    given: list[Option] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    kinds: list[Option] = field(default_factory=list)
    examples: list[tuple[int, str]] = field(default_factory=list)
    default: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    actions: list[tuple[str, str, str]] = field(default_factory=list)
    key: str | None = None
    row: str = ""
    add: str = ""
    pastes: bool = False
    is_bare: bool = False
    is_folded: bool = False
    is_data_url: bool = False
    post_url: str | None = None
    target: str = ""
    part: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        return id_of(self.name)

    @property
    def described_by(self) -> str:
        parts = [f"{self.id}_help"] if self.help or self.bounds else []
        parts += [f"{self.id}_note"] if self.note else []
        parts += [f"{self.id}_error"] if self.errors or self.warnings else []
        return " ".join(parts)

    @property
    def has_content(self) -> bool:
        return self.value != ""

    def __str__(self) -> SafeString:
        if self.template == "_leaf":
            return mark_safe(leaf_html(self))  # noqa: S308  # every value in it is escaped
        return mark_safe(_template(self.template).render(Context({"node": self})))  # noqa: S308  # a rendered template

    __html__ = __str__

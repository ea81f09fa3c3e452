"""Checks request headers that a person adds to a server or a run."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError

MASK = "••••••"
"""Stands for a stored value that is not shown; sent back unchanged it means "the value the earlier run had"."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
_FRAMING = frozenset(
    "host content-length content-type transfer-encoding connection keep-alive te trailer upgrade expect".split()
)


def clean_headers(headers: dict[str, Any]) -> dict[str, str]:
    """Raise ValidationError with a sentence for each header that HTTP forbids."""
    wrong: list[str] = []
    seen: set[str] = set()
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            wrong.append(f"{name!r} is no header name: letters, digits and - are, without spaces or colons.")
        elif name.lower() in _FRAMING:
            wrong.append(f"{name} is set by the connection itself and cannot be given.")
        elif name.lower() in seen:
            wrong.append(f"{name} stands twice; header names ignore case.")
        elif not isinstance(value, str):
            wrong.append(f"The value of {name} must be a text in double quotes.")
        elif value != MASK and not _VALUE.fullmatch(value):
            wrong.append(
                f"HTTP forbids the value of {name}: no line breaks, no control or non-ASCII characters, "
                "no space at either end."
            )
        seen.add(name.lower())
    if wrong:
        raise ValidationError(wrong)
    return headers

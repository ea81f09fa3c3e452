"""Turns the tree of a form into its document."""

from __future__ import annotations

from typing import Any

from dashboard.schema_forms.reading import has_content
from dashboard.schema_forms.values import MISSING, Chosen, NewKey, Rows, Unread, UnreadText, Untouched


def exported(value: Any) -> Any:
    """The document; MISSING when nothing was given. What could not be read stays a text."""
    if isinstance(value, Untouched) and not has_content(value):
        return MISSING
    return _exported(value)


def _exported(value: Any) -> Any:
    if isinstance(value, dict):
        found = {}
        for key, member in value.items():
            if isinstance(key, NewKey):
                continue
            if isinstance(member, Untouched) and not has_content(member):
                if member.is_required:
                    found[key] = _exported_empty(member)
                continue
            own = _exported(member)
            if own is not MISSING:
                found[key] = own
        return found
    if isinstance(value, list):
        items = [own for item in value if (own := exported(item)) is not MISSING]
        return MISSING if isinstance(value, Rows) and not items else items
    if isinstance(value, Chosen):
        return exported(value.value)
    return UnreadText(value.text) if isinstance(value, Unread) else value


def _exported_empty(value: Untouched) -> dict[str, Any]:
    return {
        key: _exported_empty(member)
        for key, member in value.items()
        if isinstance(member, Untouched) and member.is_required
    }


def compacted(value: Any) -> Any:
    """The tree without its empty rows, so that its control names match the document's values."""
    if isinstance(value, dict):
        for key in list(value):
            if isinstance(key, NewKey) and not key.text and not key.sentence:
                del value[key]
            else:
                value[key] = compacted(value[key])
        return value
    if isinstance(value, list):
        value[:] = [compacted(item) for item in value if exported(item) is not MISSING]
        return MISSING if isinstance(value, Rows) and not value else value
    if isinstance(value, Chosen):
        value.value = compacted(value.value)
    return value

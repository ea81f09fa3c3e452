"""Checks values for a query string. For headers see `dashboard/servers/headers.py`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from dashboard.servers.headers import MASK, clean_headers

__all__ = ["MASK", "clean_headers", "clean_query"]


def clean_query(params: dict[str, Any]) -> dict[str, Any]:
    """Raise ValidationError for what a query string cannot carry: objects, and lists of lists."""
    for name, value in params.items():
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, dict | list) for item in items):
            raise ValidationError(
                f"The value of {name} must be a text, a number, true, false, null, or a list of them."
            )
    return params

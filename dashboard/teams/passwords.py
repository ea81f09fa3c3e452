"""Limits password hashing, which is slow and large on purpose: 100 MB and a fifth of a second each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from dashboard.http import refusal

AT_ONCE = 2
PATIENCE_S = 5.0
BUSY = "Many people are signing in right now. Wait a moment and try again."

_turns = BoundedSemaphore(AT_ONCE)


def limits_hashing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For views that hash a password: they queue before they take a database connection, or answer 429."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        if not _turns.acquire(timeout=PATIENCE_S):
            response = refusal(request, 429, BUSY)
            response.headers["Retry-After"] = str(int(PATIENCE_S))
            return response
        try:
            return view(request, *args, **kwargs)
        finally:
            _turns.release()

    return limited

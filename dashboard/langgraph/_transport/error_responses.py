"""Answers that are not 2xx, as our own errors. This alone decides what each status means for a run."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from dashboard.langgraph._json.documents import parse_document
from dashboard.langgraph.errors import (
    LangGraphError,
    NotFound,
    RequestRejected,
    RunRejected,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
)

_MAX_REFUSAL_BYTES = 64 * 1024
_MAX_RETRY_AFTER_S = 24 * 3600.0
# Of the 5xx only these promise that nothing was done: not implemented, unavailable, HTTP version not supported. A 500
# may follow the creation of the run, and 502, 504 and the proxies' own 52x say only that an answer did not come back.
_NOTHING_DONE = frozenset({501, 503, 505})
_STILL_AT_IT = frozenset({504, 524})
"""A proxy got no answer in time from the server, which has the request."""


async def refusal(response: httpx.Response, *, creates: bool, changes: bool) -> LangGraphError:
    """The error for a response that is not 2xx; reads at most 64 KB of its body, for at most 5 s.

    Args:
        response: Streamed, its body not read yet.
        creates: Whether the request was the POST that creates a run: then refusals are `RunRejected`.
        changes: Whether the request changes anything; a failing GET leaves nothing behind.
    """
    status = response.status_code
    detail, is_json = _detail(await _body(response), response)
    retry_after = retry_after_s(response.headers.get("retry-after"))
    if status >= 500 and status not in _NOTHING_DONE:
        kind = ServerUnreachablePerhapsCreated if changes else ServerUnreachableNotCreated
        return kind(
            f"The server failed with {status}: {detail}",
            status_code=status,
            retry_after_s=retry_after,
            was_taken=changes and status in _STILL_AT_IT,
        )
    if creates:
        return RunRejected(detail, status_code=status, retry_after_s=retry_after, is_json=is_json)
    rejected = NotFound if status == 404 else RequestRejected
    return rejected(detail, status_code=status, retry_after_s=retry_after, is_json=is_json)


def retry_after_s(value: str | None) -> float | None:
    """`Retry-After` in seconds, from either of its forms (a number, a date), at most a day; None for nonsense."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = date_in_seconds(value)
        if date is None:
            return None
        seconds = date - time.time()
    if seconds != seconds:
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def date_in_seconds(value: str | None) -> float | None:
    """A date of HTTP as seconds since 1970; None for nonsense."""
    try:
        moment = parsedate_to_datetime(value or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


async def _body(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(5):
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > _MAX_REFUSAL_BYTES:
                    break
    except (httpx.HTTPError, httpx.StreamError, OSError):  # TimeoutError is an OSError
        pass  # the status has said what matters
    return b"".join(chunks)


def _detail(body: bytes, response: httpx.Response) -> tuple[str, bool]:
    """The server's sentence, and whether it came as JSON."""
    try:
        document = parse_document(body)
    except ValueError:
        return _without_json(body, response), False
    sentence = _sentence(document)
    return sentence or f"The server answered {response.status_code} without a reason.", True


def _sentence(document: Any) -> str:
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        return ""
    for key in ("detail", "message", "error"):
        said = document.get(key)
        if isinstance(said, str) and said:
            return said
        if isinstance(said, dict) and isinstance(said.get("message"), str):
            return str(said["message"])
        if isinstance(said, list):  # FastAPI's validation errors: [{"loc": [...], "msg": "..."}]
            parts = [
                f"{'.'.join(map(str, entry.get('loc', ())))}: {entry['msg']}".lstrip(": ")
                for entry in said
                if isinstance(entry, dict) and "msg" in entry
            ]
            if parts:
                return "; ".join(parts)
    return ""


def _without_json(body: bytes, response: httpx.Response) -> str:
    if response.is_redirect or 300 <= response.status_code < 400:
        return "The server redirected the request; Runboard does not follow redirects. Check the server's address."
    text = body.decode("utf-8", "replace").strip()
    if not text or "html" in response.headers.get("content-type", "") or text.startswith("<"):
        return f"The server answered {response.status_code} without a reason."
    return text[:500]

"""Ids in paths, and ids from the headers that announce a run."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from dashboard.langgraph.errors import RequestInvalid
from dashboard.langgraph.types import RunCreateMetadata

_RUN_PATH = re.compile(r"(?:/threads/([^/]{1,1000}))?/runs/([^/]{1,1000}?)(?:/(?:join|wait|stream))?/?\Z")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:~@+-]{0,254}\Z")


def segment(value: Any) -> str:
    """Quote one id as one path segment, as the SDK does; dot segments too, which clients would fold away.

    Raises:
        RequestInvalid: None, bytes, or text that UTF-8 cannot hold. Nothing was sent.
    """
    if value is None or isinstance(value, bytes | bytearray):
        raise RequestInvalid(f"An id in a path must be text, not {type(value).__name__}.")
    try:
        quoted = quote(str(value), safe="")
    except UnicodeError as error:
        raise RequestInvalid(f"The id {value!r} cannot be written into an address.") from error
    return "%2E" * len(quoted) if quoted and not quoted.strip(".") else quoted


def run_ids(headers: httpx.Headers, *, thread_id: str | None) -> RunCreateMetadata | None:
    """Read the ids of a new run from `Content-Location`, else from `Location`; None when neither names them.

    Only ids are taken: the host in those headers is ignored and never connected to. `thread_id` (the one the run was
    posted on) stands in where the header names none.
    """
    for name in ("content-location", "location"):
        try:
            path = urlsplit(headers.get(name, "")).path
        except ValueError:
            continue
        found = _RUN_PATH.search(path)
        if not found:
            continue
        named_thread, run_id = found.group(1), unquote(found.group(2))
        if not _ID.match(run_id):
            continue
        if named_thread is not None and _is_plausible(unquote(named_thread), thread_id):
            return RunCreateMetadata(run_id=run_id, thread_id=unquote(named_thread))
        if named_thread is None:
            return RunCreateMetadata(run_id=run_id, thread_id=thread_id)
    return None


def _is_plausible(named: str, asked: str | None) -> bool:
    return bool(_ID.match(named)) or named == str(asked)

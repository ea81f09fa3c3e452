"""Streams downloads, and writes CSV that spreadsheets read as text."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a spreadsheet would begin a formula."""


class Streamed(StreamingHttpResponse):
    """Django would collect all pieces of an ordinary iterator before it sends the first one over ASGI."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        while (piece := await sync_to_async(lambda: next(pieces, None))()) is not None:
            yield piece


def download(pieces: Iterable[str], *, kind: str, name: str) -> Streamed:
    """An attachment of this content type and file name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Streamed(pieces, content_type=f"{kind}; charset=utf-8", headers=headers)


def csv_text(value: object) -> str:
    """A cell, quoted where it would be a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_line(cells: Iterable[str]) -> str:
    """A line of CSV with its end."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()

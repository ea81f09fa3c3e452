"""One place of a final state by itself: as JSON, as its bytes, or as what a page shows of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse

from dashboard.runs.state.blocks import media_bytes, media_of, text_of
from dashboard.runs.state.branches import WINDOW, state_url
from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.seen import cut, seen
from dashboard.runs.state.tables import csv_rows

VALUE_CHARS: Final = 100_000
"""How many characters of a long text make one window."""
SMALL_BYTES: Final = 1_000
CRUMBS: Final = 6
"""How many steps are shown at each end of a place's breadcrumbs."""
_SHOWN_MEDIA: Final = frozenset(
    "image/png image/jpeg image/gif image/webp image/avif audio/mpeg audio/wav audio/ogg audio/webm video/mp4 "
    "video/webm application/pdf".split()
)
"""Kinds a browser may open; anything else is a download, for it could run something."""
# `sandbox` and no source at all: files from graphs can be seen, and cannot do anything.
_MEDIA_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def part_json(place: Place, address: str, *, start: int = 0) -> bytes:
    """The place as JSON for programs: type, size, and its value or a window of its children, numbers as written."""
    parts = [f'"type":{json.dumps(place.kind)},"size":{place.size}'.encode()]
    following = None
    if place.is_container:
        children = place.children(start, start + WINDOW)
        parts.append(b'"children":[' + b",".join(map(_child_json, children)) + b"]")
        following = start + WINDOW if start + WINDOW < place.size else None
    elif place.kind == "string":
        parts.append(b'"value":' + json.dumps(place.text(VALUE_CHARS, start)).encode())
        following = start + VALUE_CHARS if start + VALUE_CHARS < place.size else None
    else:
        parts.append(b'"value":' + place.raw)
    url = None if following is None else state_url(address, place, start=following)
    return b"{" + b",".join(parts) + b',"next":' + json.dumps(url).encode() + b"}"


def _child_json(place: Place) -> bytes:
    name = "index" if isinstance(place.key, int) else "key"
    head = f'{{"{name}":{json.dumps(place.key)},"type":{json.dumps(place.kind)},"size":{place.size}'.encode()
    raw = place.raw if place.length <= SMALL_BYTES else b""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raw = json.dumps(place.text()).encode() if place.kind == "string" else b""
    return head + (b',"value":' + raw if raw else b"") + b"}"


def media_response(document: Document, place: Place) -> HttpResponse | None:
    """The bytes of a base64 text; None for any other text."""
    found = media_bytes(place) if place.kind == "string" else None
    if found is None:
        return None
    mime, body = found
    mime = mime or _mime_of_block(document, place)
    is_shown = mime in _SHOWN_MEDIA
    response = HttpResponse(body, content_type=mime if is_shown else "application/octet-stream", headers=_MEDIA_HEADERS)
    if not is_shown:
        response.headers["Content-Disposition"] = "attachment"
    return response


def _mime_of_block(document: Document, place: Place) -> str:
    """The media type that the block of a base64 text names."""
    for levels in (1, 2):
        around = document.at(place.pointer.rsplit("/", levels)[0])
        if around is not None and around.kind == "object":
            for key in ("mime_type", "media_type", "mimeType"):
                if found := text_of(around.child(key)):
                    return found.lower()
            if (media := media_of(around, text_of(around.child("type")))) is not None and media.mime:
                return media.mime
    return ""


def csv_response(place: Place, filename: str) -> StreamingHttpResponse:
    """A list of objects as CSV."""
    response = StreamingHttpResponse(csv_rows(place), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def crumbs(document: Document, place: Place, address: str, name: str) -> Iterator[tuple[str, str]]:
    """The breadcrumbs of a place: names, and the address of each."""
    yield name, state_url(address, document.root)
    way = document.way_to(place.start)[1:]
    for number, one in enumerate(way):
        if len(way) > 2 * CRUMBS and number == CRUMBS:
            yield f"\u2026 {len(way) - 2 * CRUMBS} more \u2026", state_url(address, way[len(way) - CRUMBS - 1])
        elif len(way) <= 2 * CRUMBS or not CRUMBS <= number < len(way) - CRUMBS:
            yield seen(cut(str(one.key), 60)), state_url(address, one)

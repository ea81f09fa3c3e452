"""The content of a message, block by block: text, reasoning, media, tool calls, and unknown kinds."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString

from dashboard.runs.state.document import Place
from dashboard.runs.state.markdown import markdown
from dashboard.runs.state.seen import NOTHING, cut, seen_html, showable

BLOCKS_MAX: Final = 50
TEXT_CHARS: Final = 12_000
"""The most of one text on a page; the rest is a click away."""
LABEL_CHARS: Final = 120
LONG_CHARS: Final = 1_500
BEGIN_CHARS: Final = 240
ADDRESS_CHARS: Final = 300
IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Kinds that a browser draws without running anything."""
_DATA_URL: Final = re.compile(r"data:([\w.+-]{1,60}/[\w.+-]{1,80})?(?:;[^,;]{0,60}){0,5}?(;base64)?,")
_MEDIA_KINDS: Final = {"image", "audio", "video", "file", "document", "media"}


@dataclass(frozen=True)
class Block:
    """One piece of a message.

    Attributes:
        kind: `markdown`, `text`, `code` (exact, monospaced), `reasoning`, `media` or `unknown`.
        html: The text, made safe.
        hidden: How many characters of it are not shown.
        place: Its place in the state, for the text that is not shown.
        media: For `media`, what it is.
        begins: The first words of a `text` that is long; NOTHING for others.
    """

    kind: str
    html: SafeString = NOTHING
    hidden: int = 0
    place: Place | None = None
    media: Media | None = None
    label: str = ""
    begins: SafeString = NOTHING


@dataclass(frozen=True)
class Media:
    """An image, sound, film or file in a message.

    Attributes:
        kind: `image`, `audio`, `video` or `file`.
        mime: Its media type, "" when nothing says.
        data: The place that holds its base64 text, None for a remote one.
        address: Where a remote one is; it is named and never fetched.
        size_bytes: Its size, 0 when not known.
    """

    kind: str
    mime: str = ""
    data: Place | None = None
    address: str = ""
    name: str = ""
    size_bytes: int = 0

    @property
    def is_drawn(self) -> bool:
        return self.data is not None and self.mime in IMAGES


class Room:
    """How many characters a page has left for texts; what does not fit is counted, not dropped silently."""

    def __init__(self, chars: int) -> None:
        self.left = chars

    def take(self, place: Place, chars: int = TEXT_CHARS) -> tuple[str, int]:
        """The beginning of a text, and how many characters of it are left out."""
        text = place.text(max(0, min(chars, self.left)))
        self.left -= len(text) + 20
        whole = place.size if place.length > len(text) + 2 else len(text)
        return text, max(0, whole - len(text))


def content_blocks(content: Place, *, is_markdown: bool, is_tool: bool, room: Room) -> list[Block]:
    """The blocks of a message's `content` in order, without empty ones and tool calls."""
    return list(_blocks(content, "markdown" if is_markdown else "code" if is_tool else "text", room))


def _blocks(content: Place, kind: str, room: Room) -> Iterator[Block]:
    if content.kind == "list":
        for part in content.children(0, BLOCKS_MAX):
            if part.kind == "string":
                yield from _text(part, kind, room)
            elif part.kind != "object":
                yield Block("unknown", place=part, label=part.kind)
            elif (block_type := text_of(part.child("type"))) not in ("tool_use", "tool_call", "function_call"):
                yield from _typed(part, block_type, kind, room)
        if content.size > BLOCKS_MAX:
            yield Block("unknown", place=content, label=f"{content.size - BLOCKS_MAX:,} more blocks")
    elif content.kind == "string":
        yield from _text(content, kind, room)
    elif content.kind != "null":
        yield Block("unknown", place=content, label=content.kind)


def _typed(part: Place, block_type: str, kind: str, room: Room) -> Iterator[Block]:
    text = part.child("text")
    if block_type in ("text", "output_text", "input_text") and text is not None and text.kind == "string":
        yield from _text(text, kind, room)
        usual = ("type", "text", "index", "id")
        if any(member.key not in usual and not is_empty(member) for member in part.children(0, 20)):
            yield Block("unknown", place=part, label="More of this text")
        return
    if block_type in ("reasoning", "thinking", "redacted_thinking", "reasoning_content"):
        found = next(
            (_longest(part, key) for key in ("reasoning", "thinking", "text", "summary") if part.child(key)), None
        )
        if found is None:
            yield Block("unknown", place=part, label="reasoning")
        else:
            words, hidden = room.take(found)
            yield Block("reasoning", seen_html(words), hidden, found)
        return
    if block_type == "refusal" and (said := part.child("refusal")) is not None:
        words, hidden = room.take(said)
        yield Block("text", seen_html(words), hidden, said, label="Refusal")
        return
    media = media_of(part, block_type)
    if media is not None:
        yield Block("media", place=part, media=media)
    else:
        yield Block("unknown", place=part, label=block_type)


def _longest(part: Place, key: str) -> Place:
    """A block's text under `key`, also when it is a list of parts with a `text` of their own."""
    found = part.child(key)
    assert found is not None
    first = found.child("0") if found.kind == "list" else None
    inner = first.child("text") if first is not None and first.kind == "object" else None
    return inner or found


def _text(place: Place, kind: str, room: Room) -> Iterator[Block]:
    words, hidden = room.take(place)
    if words or hidden:
        html = markdown(words) if kind == "markdown" else seen_html(words)
        is_long = kind == "text" and len(words) > LONG_CHARS
        begins = seen_html(cut(" ".join(words[:LONG_CHARS].split()), BEGIN_CHARS)) if is_long else NOTHING
        yield Block(kind, html, hidden, place, begins=begins)


def media_of(part: Place, block_type: str) -> Media | None:
    """The media in a block, as LangChain, OpenAI or Anthropic write it; None for any other block."""
    kind = re.sub(r"^(input|output)_|_url$|_data$", "", block_type)
    if kind not in _MEDIA_KINDS:
        return None
    kind = "file" if kind in ("document", "media") else kind
    inner = next((found for key in (block_type, kind, "source", "file") if (found := part.child(key))), None)
    places = [part] if inner is None or inner.kind != "object" else [inner, part]
    if inner is not None and inner.kind == "string":
        return _media(kind, "", "", inner)
    mime, name = _first_text(places, _MIME), _first_text(places, _NAMES)
    data = next((found for place in places for key in _DATA if _is_text(found := place.child(key))), None)
    return _media(kind, mime, name, data)


def _first_text(places: Sequence[Place], keys: Sequence[str]) -> str:
    return next((text for place in places for key in keys if (text := text_of(place.child(key)))), "")


_MIME: Final = ("mime_type", "media_type", "mimeType", "format")
_NAMES: Final = ("filename", "name", "title")
_DATA: Final = ("data", "base64", "file_data", "url", "image_url", "uri", "file_id", "id")


def _media(kind: str, mime: str, name: str, data: Place | None) -> Media:
    if data is None:
        return Media(kind, mime, name=name)
    begins = data.text(400)
    found = _DATA_URL.match(begins)
    if found is None and (re.match(r"[a-zA-Z][\w+.-]*:", begins) or data.key in ("file_id", "id", "uri")):
        return Media(kind, mime, address=showable(cut(begins, ADDRESS_CHARS)), name=name)
    mime = (found.group(1) if found else None) or mime
    size = (data.length - 2 - (found.end() if found else 0)) * 3 // 4
    return Media(kind, mime.lower(), data=data, name=name, size_bytes=size)


def media_of_text(place: Place) -> Media | None:
    """A text that is a `data:` address as what it holds; None for any other text."""
    found = _DATA_URL.match(place.text(400)) if place.kind == "string" else None
    if found is None or not found.group(2):
        return None
    mime = found.group(1) or ""
    kind = mime.split("/")[0]
    return _media(kind if kind in ("image", "audio", "video") else "file", mime, "", place)


def media_bytes(place: Place) -> tuple[str, bytes] | None:
    """The media type of a `data:` address ("" without one) and its bytes, or those of plain base64."""
    text = place.text()
    found = _DATA_URL.match(text[:400])
    try:
        body = base64.b64decode(text[found.end() if found else 0 :], validate=False)
    except ValueError:
        return None
    return (found.group(1) or "").lower() if found else "", body


def _is_text(place: Place | None) -> bool:
    return place is not None and place.kind == "string"


def text_of(place: Place | None, chars: int = LABEL_CHARS) -> str:
    """A short text, cut, for a label; "" for nothing, null, and containers."""
    if place is None or place.kind not in ("string", "number", "boolean"):
        return ""
    return cut(showable(place.text(chars + 1)), chars)


def is_empty(place: Place) -> bool:
    """Whether it is null, or an empty text, list or object. 0 and false are not empty."""
    return place.kind == "null" or (place.length == 2 and place.kind in ("string", "list", "object"))

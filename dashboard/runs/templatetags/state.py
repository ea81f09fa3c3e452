"""How parts of a final state look, and their addresses."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.runs.state.blocks import Media
from dashboard.runs.state.branches import Tree, is_named, state_url
from dashboard.runs.state.document import Place
from dashboard.runs.state.seen import seen as seen_text
from dashboard.runs.state.tables import Table

register = template.Library()

INLINE_BYTES = 24_000
"""An image up to this size is in the page itself where parts of the state are not served."""
CHANGES = {
    "new": "new",
    "changed": "changed by this run",
    "same": "as before this run",
    "given": "as in the input",
}


@register.filter
def seen(text: object) -> str:
    """A text whose invisible and reversing characters are named."""
    return seen_text(str(text))


@register.filter(name="hex")
def in_hex(digest: bytes) -> str:
    """A hash as people compare it."""
    return bytes(digest).hex()


@register.filter
def grouped(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


@register.simple_tag
def turn_id(place: Place, prefix: object = "") -> str:
    """The id of a place on a page, for links to it; `prefix` tells several states on a page apart."""
    return f"at{prefix}" + "".join(char if char.isalnum() and char.isascii() else "-" for char in place.pointer[:80])


@register.simple_tag
def state_href(address: str, place: Place, **query: object) -> str:
    """The address of a part of a state."""
    return state_url(address, place, **{name: value for name, value in query.items() if value})


@register.simple_tag
def place_field(place: Place) -> SafeString:
    """The hidden input that names a place in a form."""
    name, value = ("path", place.pointer) if is_named(place) else ("at", str(place.start))
    return format_html('<input type="hidden" name="{}" value="{}">', name, value)


@register.simple_tag
def change_words(change: str) -> str:
    return CHANGES.get(change, change)


@register.simple_tag
def table_end(table: Table) -> str:
    return f"{table.start + len(table.rows):,}"


@register.simple_tag
def branch(place: Place, address: str, label: str) -> SafeString:
    """A place as a tree."""
    return Tree(address, nodes=60).html(place, label=seen_text(label))


@register.simple_tag
def members(places: list[Place], address: str) -> SafeString:
    """Some members of an object as a tree."""
    return Tree(address, nodes=40).members(places, label="More of this message")


@register.simple_tag
def media_src(media: Media, address: str) -> str:
    """The address of an image that may be drawn; "" when it may not, or is too large for the page."""
    if media.data is None:
        return ""
    if address:
        return state_url(address, media.data, **{"as": "media"})
    if media.data.length > INLINE_BYTES:
        return ""
    text = media.data.text()
    return text if text.startswith("data:") else str(format_html("data:{};base64,{}", media.mime, text))

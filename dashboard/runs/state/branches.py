"""A JSON value as a tree of HTML. Branches that do not fit are fetched when they are opened.

Made here and not by a recursive template: 1,500 includes would take most of a second. The markup is a list of links,
which work without JavaScript; `static/js/tree.js` makes the tree pattern of ARIA out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.state.document import Place
from dashboard.runs.state.seen import cut, seen_html

WINDOW: Final = 100
NODES: Final = 300
"""The most children that are laid out at once."""
POINTER_CHARS: Final = 600
"""A place with a longer JSON Pointer is named by its first byte: such addresses would make pages of megabytes."""
KEY_CHARS: Final = 200
TEXT_CHARS: Final = 2_000
LONG_CHARS: Final = 80
OPEN_DEPTH: Final = 2
OPEN_CHILDREN: Final = 12
OPEN_BYTES: Final = 200
"""A branch up to this size starts open at any depth."""


class Tree:
    """Writes the branches of a place. `address` is where the state's parts are served, "" when nowhere.

    With `exact_depth`, branches are open down to the requested depth and no deeper, however many children they
    have; otherwise those with few children are, and small ones at any depth.
    """

    def __init__(
        self, address: str, *, nodes: int = NODES, text_chars: int = TEXT_CHARS, exact_depth: bool = False
    ) -> None:
        self.address = address
        self.left = nodes
        self.exact_depth = exact_depth
        self.text_chars = text_chars

    def html(self, place: Place, *, label: str = "Value", start: int = 0, open_depth: int = OPEN_DEPTH) -> SafeString:
        """The place as a tree of its own, open down to `open_depth`."""
        if not place.is_container:
            inner = f'<li class="leaf" role="treeitem">{self.value(place)}</li>'
        else:
            inner = self.branch(place, start, open_depth)
        return _tree(label, inner)

    def members(self, places: Sequence[Place], *, label: str) -> SafeString:
        """Some members of an object as a tree of their own."""
        return _tree(label, "".join(self._item(place, 1) for place in places))

    def branch(self, place: Place, start: int = 0, open_depth: int = 1) -> str:
        """A window of a place's children as list items."""
        found = place.children(start, start + WINDOW + 1)
        shown = found[: min(WINDOW, max(self.left, 1))] if self.address else found[: max(self.left, 1)]
        self.left -= len(shown)
        parts = [self._item(child, open_depth) for child in shown]
        rest = place.size - start - len(shown)
        if not place.size and not start:
            parts.append(f'<li class="leaf" role="treeitem">{_EMPTY[place.kind]}</li>')
        elif rest > 0:
            parts.append(self._more(place, start + len(shown), rest))
        return "".join(parts)

    def _item(self, place: Place, open_depth: int) -> str:
        key = f'<span class="key"><bdi>{seen_html(cut(str(place.key), KEY_CHARS))}</bdi></span>'
        tools = ""
        if self.address:
            tools = f' data-pointer="{escape(place.pointer)}"' if is_named(place) else f' data-at="{place.start}"'
        if not place.is_container or place.length == 2 or not place.size:
            is_long = place.kind == "string" and place.length > LONG_CHARS
            long = " long" if is_long else ""
            return f'<li class="leaf{long}" role="treeitem"{tools}>{key} {self.value(place)}</li>'
        count = f'<span class="count">{counted(place)}</span>'
        # Without an address nothing can be fetched later: what fits is laid out open.
        is_open = self.left > 0 if not self.address else self._is_open(place, open_depth)
        inner = f'<ul role="group">{self.branch(place, 0, open_depth - 1)}</ul>' if is_open else ""
        expanded = "true" if is_open else "false"
        head = f'<a class="node"{self._href(place)}>{key} {count}</a>'
        return f'<li role="treeitem" aria-expanded="{expanded}"{tools}>{head}{inner}</li>'

    def _is_open(self, place: Place, open_depth: int) -> bool:
        if place.size > min(WINDOW if self.exact_depth else OPEN_CHILDREN, self.left):
            return False
        if self.exact_depth:
            return open_depth > 1
        return open_depth > 1 or place.length <= OPEN_BYTES

    def _href(self, place: Place) -> str:
        return f' href="{escape(state_url(self.address, place))}"' if self.address else ""

    def _more(self, place: Place, start: int, rest: int) -> str:
        words = f"{rest:,} more"
        if not self.address:
            return f'<li class="more" role="treeitem">{words} not shown here; download to read them.</li>'
        url = escape(state_url(self.address, place, start=start))
        link = f'<a class="node-more" href="{url}">{words}, show the next {min(rest, WINDOW)}</a>'
        return f'<li class="more" role="treeitem">{link}</li>'

    def value(self, place: Place) -> str:
        """A scalar, or the sign of an empty container."""
        if place.is_container:
            return f'<span class="value">{_EMPTY[place.kind]}</span>'
        # Quotes and the colon of a key stand outside the isolated text, so that it cannot move them.
        text = place.text(self.text_chars)
        shown = seen_html(text) if text else '<span class="more">empty text</span>'
        hidden = place.size - len(text) if place.kind == "string" and place.length > len(text) + 2 else 0
        more = ""
        if hidden > 0:
            words = f"… {hidden:,} more character{'' if hidden == 1 else 's'}"
            more = f' <span class="more">{words}</span>'
            if href := self._href(place):
                more = f' <a class="more"{href}>{words}</a>'
        return f'<span class="value" data-kind="{place.kind}"><bdi>{shown}</bdi></span>{more}'


_EMPTY: Final = {"object": "{}", "list": "[]"}


def state_url(address: str, place: Place, **query: object) -> str:
    """Where a place of a state can be opened by itself: by its JSON Pointer, or by its first byte if that is long."""
    parts = [(name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value])]
    rest = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in parts)
    if not is_named(place):
        return f"{address}?at={place.start}{rest}"
    return f"{address}?path={quote(place.pointer, safe='/')}{rest}"


def is_named(place: Place) -> bool:
    """Whether an address can hold its JSON Pointer: browsers and proxies take only so much, and no half surrogates."""
    if len(place.pointer) > POINTER_CHARS:
        return False
    try:
        return len(place.pointer.encode()) <= POINTER_CHARS
    except UnicodeEncodeError:
        return False


def counted(place: Place) -> str:
    """How much is in a container, in words."""
    one, many = ("key", "keys") if place.kind == "object" else ("item", "items")
    return f"{place.size:,} {one if place.size == 1 else many}"


def _tree(label: str, items: str) -> SafeString:
    html = f'<ul class="tree" role="tree" aria-label="{escape(label)}" data-tree>{items}</ul>'
    return mark_safe(html)  # noqa: S308 - every text in it went through escape()

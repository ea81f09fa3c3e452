"""What a browser without JavaScript would post of the controls in a piece of HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode

from django.http import QueryDict


class _Controls(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pairs: list[tuple[str, str]] = []
        self._area: tuple[str, list[str]] | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value if value is not None else "" for key, value in attrs}
        name = found.get("name", "")
        if "disabled" in found:
            name = ""
        if tag == "input":
            kind = found.get("type", "text")
            is_off = kind in ("radio", "checkbox") and "checked" not in found
            if name and not is_off and kind not in ("file", "submit"):
                self.pairs.append((name, found.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select:
            self._select[1].append((found.get("value", ""), "selected" in found))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            name, parts = self._area
            text = "".join(parts).removeprefix("\n").replace("\n", "\r\n")
            if name:
                self.pairs.append((name, text))
            self._area = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, is_chosen in options if is_chosen] or [value for value, _ in options[:1]]
            if name and chosen:
                self.pairs.append((name, chosen[-1]))
            self._select = None


def controls(html: str) -> dict[str, str]:
    """Every control that would be posted, by name."""
    parser = _Controls()
    parser.feed(html)
    parser.close()
    return dict(parser.pairs)


def posted(html: str, **changes: str) -> QueryDict:
    """The POST of the form in `html`, with some controls changed."""
    return QueryDict(urlencode({**controls(html), **changes}))

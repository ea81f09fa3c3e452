"""Markdown that a graph wrote, as safe HTML in bounded time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from dashboard.runs.state.seen import seen

TABLE_COLUMNS: Final = 40
TABLE_PIPES: Final = 3_000
"""Beyond either, tables stay as they are written: 2,500 columns took seconds and megabytes."""

_TAGS: Final = set(
    "p br hr strong em s code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td a span div "
    "button".split()
)
_ATTRIBUTES: Final = {
    "a": {"href", "title", "class", "target"},
    "span": {"class"},
    "div": {"class"},
    "button": {"class", "type", "data-copy-code"},
    "ol": {"start"},
    "pre": {"tabindex"},
}
_SIGNS: Final = re.compile(
    r"^#{1,6} \S|^\s{0,3}[-*+] \S.*\n\s{0,3}[-*+] |^```|^> \S|^\|.+\|\s*\n\|[ :|-]+\||\*\*[^*\n]+\*\*|\]\(https?://",
    re.MULTILINE,
)


class _Renderer(RendererHTML):
    """Images are named and never fetched; code says its language and can be copied."""

    def image(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        address = str(token.attrs.get("src") or "")
        words = token.content or "without a description"
        return f'<span class="image-named">Image: {escape(words)} <code>{escape(address[:300])}</code></span>'

    def fence(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        language = tokens[index].info.strip().split(" ")[0][:40]
        return _code(tokens[index].content, language)

    def code_block(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return _code(tokens[index].content, "")


def _code(text: str, language: str) -> str:
    head = (
        f'<span>{escape(language or "text")}</span><button class="code-copy" type="button" data-copy-code>Copy</button>'
    )
    body = f'<pre tabindex="0"><code>{escape(text)}</code></pre>'  # it scrolls: by keyboard too
    return f'<div class="code"><div class="code-head">{head}</div>{body}</div>\n'


def _one_heading_level(state: StateCore) -> None:
    """A message's headings stand below the page's own, in the order of the text's."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 3)}"


def _parser(*, tables: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}, renderer_cls=_Renderer)
    made.enable("strikethrough")
    if tables:
        made.enable("table")
    made.core.ruler.push("one_heading_level", _one_heading_level)
    return made


_WITH_TABLES, _WITHOUT_TABLES = _parser(tables=True), _parser(tables=False)


def markdown(text: str) -> SafeString:
    """Markdown as safe HTML: no raw HTML, no images, line breaks kept, links without a referrer."""
    parser = _WITH_TABLES if _has_bounded_tables(text) else _WITHOUT_TABLES
    clean = nh3.clean(
        parser.render(seen(text)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - cleaned by nh3 in the line above


def looks_like_markdown(text: str) -> bool:
    """Whether a text looks like Markdown: headings, lists, fences, bold, links, tables."""
    return _SIGNS.search(text[:20_000]) is not None


def _has_bounded_tables(text: str) -> bool:
    pipes = text.count("|")
    return pipes <= TABLE_PIPES and (pipes <= TABLE_COLUMNS or max(map(_pipes, text.splitlines())) <= TABLE_COLUMNS)


def _pipes(line: str) -> int:
    return line.count("|")

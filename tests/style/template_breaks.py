"""Where a line of a template may be broken without a change of the page, and how well it reads broken there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

# The lower, the better: between blocks is what somebody would write by hand, right after a tag's name reads worst.
BETWEEN_BLOCKS, AT_CONDITION, IN_TEXT, BETWEEN_ATTRIBUTES, IN_INLINE, AFTER_NAME, AFTER_CONDITION, BEFORE_END = (
    10, 20, 30, 40, 50, 70, 90, 120,
)  # fmt: skip

BLOCKS = frozenset(
    "address article aside blockquote body circle dd details dialog div dl dt fieldset figcaption figure footer form g "
    "h1 h2 h3 h4 h5 h6 head header hr html legend li line link main meta nav ol optgroup option p path rect script "
    "section summary table tbody td template tfoot th thead tr ul".split()
)
VOID = frozenset("area base br circle col embed hr img input line link meta path rect source track wbr".split())
KEEPS_SPACES = frozenset("pre textarea title script style".split())
KEEPING_CLASSES = frozenset(
    "argument-text asked-text change-sides event-detail exact question-text sf-more step-error value".split()
)

_TOKEN = re.compile(
    r"(?P<django>\{%.*?%\})|(?P<shown>\{\{.*?\}\}|\{#.*?#\}|<!.*?>)|(?P<tag></?[a-zA-Z][a-zA-Z0-9-]*)|(?P<end>/?>)"
    r"|(?P<quote>[\"'])|(?P<line>\n)|(?P<space>[ \t]+)|(?P<word>[^ \t\n\"'<>{/]+|.)"
)
_DJANGO = re.compile(r"\{%-?\s*(\w+)\s*(\w*)")
_OPENS = frozenset("if for with block ifchanged autoescape filter comment".split())
_TURNS = frozenset("else elif empty".split())


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a line may be broken: what comes before ends at `end`, what follows begins at `start`."""

    end: int
    start: int
    cost: int
    opened_at: int | None  # where the innermost tag or condition that is open here begins
    is_closing: bool  # what follows closes it


@dataclass(slots=True)
class _Open:
    name: str  # of a tag, or of Django's with a "%" before
    at: int
    keeps_spaces: bool = False


@dataclass(slots=True)
class _Reader:
    text: str
    breaks: list[Break] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    tag: str = ""  # whose attributes are being read, with a "/" before when it closes
    ended: str = ""  # the tag that ended right before
    quote: str = ""
    value_at: int = 0

    def read(self) -> list[Break]:
        tokens = list(_TOKEN.finditer(self.text))
        for token, after in pairwise(tokens):
            ended, self.ended = self.ended, ""
            if self.quote:
                self._in_value(token)
            elif self.tag:
                self._in_tag(token, after)
            else:
                self._in_text(token, after, ended)
        return self.breaks

    def _in_value(self, token: re.Match[str]) -> None:
        if token.group() == self.quote:
            self.quote = ""
            if KEEPING_CLASSES.intersection(self.text[self.value_at : token.start()].split()):
                self._innermost_tag().keeps_spaces = True

    def _in_tag(self, token: re.Match[str], after: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "quote":
            self.quote, self.value_at = token.group(), token.end()
        elif kind == "end":
            if self.text[token.start() - 1] in "\"'}":
                self._found(token.start(), token, BEFORE_END)
            if self.tag.startswith("/"):
                self._close(self.tag[1:])
            elif self.tag in VOID or token.group() == "/>":
                self._close(self.tag)
            self.ended, self.tag = self.tag, ""
            self._after_block(after)
        elif kind == "django":
            if _word(token) in _OPENS and self.text[token.start() - 1] in "\"'}":
                self._found(token.start(), token, BETWEEN_ATTRIBUTES)
            self._django(token)
        elif kind == "space":
            before = self.text[: token.start()][-2:]
            is_first = self.text[self._innermost_tag().at : token.start()].lstrip("<") == self.tag
            cost = AFTER_NAME if is_first else AFTER_CONDITION if before == "%}" else BETWEEN_ATTRIBUTES
            self._found(token.start(), after, cost)

    def _in_text(self, token: re.Match[str], after: re.Match[str], ended: str) -> None:
        kind, is_kept = token.lastgroup, any(each.keeps_spaces for each in self.stack)
        if kind == "tag":
            name, is_end = token.group().lstrip("</").lower(), token.group().startswith("</")
            if name in BLOCKS and not is_end and not is_kept and not self.text[token.start() - 1].isspace():
                self._found(token.start(), token, BETWEEN_BLOCKS)
            self.tag = ("/" if is_end else "") + name
            if not is_end:
                self.stack.append(_Open(name, token.start(), name in KEEPS_SPACES))
        elif kind == "django":
            self._django(token)
        elif kind == "space" and not is_kept:
            if ended.lstrip("/") in BLOCKS or (after.lastgroup == "tag" and after.group().lstrip("</") in BLOCKS):
                cost = BETWEEN_BLOCKS
            elif _word(after) in _OPENS or self.text[: token.start()].endswith("endif %}"):
                cost = AT_CONDITION
            else:
                cost = IN_TEXT if self._innermost_tag().name in BLOCKS | {""} else IN_INLINE
            self._found(token.start(), after, cost)

    def _after_block(self, after: re.Match[str]) -> None:
        """A block has ended: white space may follow, unless there is some or the next block brings its own place."""
        is_block = self.ended.startswith("/") and self.ended[1:] in BLOCKS
        brings_place = after.lastgroup == "tag" and not after.group().startswith("</") and after.group()[1:] in BLOCKS
        is_kept = any(each.keeps_spaces for each in self.stack)
        if is_block and after.lastgroup not in ("space", "line") and not brings_place and not is_kept:
            self._found(after.start(), after, BETWEEN_BLOCKS + 2)

    def _django(self, token: re.Match[str]) -> None:
        match = _DJANGO.match(token.group())
        word, name = match.groups() if match else ("", "")
        if word in _OPENS:
            self.stack.append(_Open("%" + word, token.start(), word == "block" and name == "title"))
        elif word.startswith("end"):
            self._close("%" + word[3:])

    def _close(self, name: str) -> None:
        """Close the innermost of that name, and what a condition left open within it."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place].name == name:
                del self.stack[place:]
                return

    def _innermost_tag(self) -> _Open:
        return next((each for each in reversed(self.stack) if each.name[0] != "%"), _Open("", 0))

    def _found(self, end: int, following: re.Match[str], cost: int) -> None:
        is_closing = (
            following.group().startswith("</") or _word(following).startswith("end") or _word(following) in _TURNS
        )
        opened_at = self.stack[-1].at if self.stack else None
        self.breaks.append(Break(end, following.start(), cost, opened_at, is_closing))


def _word(token: re.Match[str]) -> str:
    match = _DJANGO.match(token.group())
    return match[1] if match else ""


def breaks_in(text: str) -> list[Break]:
    """Every place where a line of the template may be broken, in order."""
    return _Reader(text).read()

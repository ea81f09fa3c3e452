"""Custom patterns, in a subset of regular expressions that takes bounded time on any text.

A pattern is a list of alternatives (`a|b`), each a row of characters, classes and escapes with a count (`?`, `*`, `+`,
`{2,5}`). There are no groups and no looking back, a count never goes beyond 100, and what follows a count must not
begin with what the count takes: then nothing is ever tried twice at one place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PATTERN_CHARS: Final = 200
MOST: Final = 100
"""The most that `*`, `+` and `{2,}` take."""
WIDEST: Final = 400
ALTERNATIVES: Final = 20

_PART: Final = re.compile(
    r"(?P<class>\[\^?+\]?+(?:[^\]\\]|\\.){0,200}+\])|(?P<escape>\\.)|(?P<count>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})"
    r"|(?P<or>\|)|(?P<edge>[\^$])|(?P<group>[()])|(?P<char>.)",
    re.DOTALL,
)
_COUNTED: Final = re.compile(r"\{(\d{1,3})(,?)(\d{0,3})\}")
_ESCAPES: Final = frozenset("dDwWsSntr")
_EVERY: Final = "".join(map(chr, range(9, 0x180))) + "\u2013\u2014\u2026\u20ac\u4e2d\u00a0"
"""The characters by which to compare what a count takes with what follows it."""


class PatternRefused(ValueError):
    """The pattern is invalid, or could take unbounded time; the text says why, for people."""


@dataclass
class _Item:
    """One character, class or escape, with how often it stands there. `is_edge`: it stands between characters."""

    source: str
    least: int = 1
    most: int = 1
    is_edge: bool = False

    @property
    def varies(self) -> bool:
        return self.least != self.most

    def characters(self) -> frozenset[str]:
        return frozenset(char for char in _EVERY if re.compile(self.source, re.IGNORECASE).fullmatch(char))

    def compiled(self) -> str:
        if (self.least, self.most) == (1, 1):
            return self.source
        return f"{self.source}{{{self.least},{self.most}}}+"


def pattern_compile(text: str) -> re.Pattern[str]:
    """The compiled pattern, ignoring case.

    Raises:
        PatternRefused: and says what to write instead.
    """
    if len(text) > PATTERN_CHARS:
        raise PatternRefused(f"A pattern has at most {PATTERN_CHARS} characters.")
    branches = _read(text)
    if len(branches) > ALTERNATIVES:
        raise PatternRefused(f"A pattern has at most {ALTERNATIVES} alternatives.")
    for branch in branches:
        if sum(item.least for item in branch if not item.is_edge) == 0:
            raise PatternRefused("This would match everywhere: it needs at least one character.")
        if sum(item.most for item in branch) > WIDEST:
            raise PatternRefused(f"This could match more than {WIDEST} characters; use smaller counts.")
        _nothing_twice(branch)
    source = "|".join("".join(item.compiled() for item in branch) for branch in branches)
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise PatternRefused(f"This is no pattern: {error.msg}.") from None


def _read(text: str) -> list[list[_Item]]:
    branches: list[list[_Item]] = [[]]
    for token in _PART.finditer(text):
        kind, source = str(token.lastgroup), token[0]
        if kind == "group":
            raise PatternRefused("Groups are not taken here. Write \\( for a parenthesis, or a|b without one.")
        if kind == "or":
            branches.append([])
        elif kind == "count":
            _count(branches[-1], source)
        elif kind == "edge" or source in ("\\b", "\\B"):
            branches[-1].append(_Item(source, is_edge=True))
        else:
            branches[-1].append(_item(kind, source))
    return branches


def _item(kind: str, source: str) -> _Item:
    if kind == "escape" and source[1].isalnum() and source[1] not in _ESCAPES:
        raise PatternRefused(f"{source} is not taken here.")
    if kind == "char" and source in ("\\", "["):
        raise PatternRefused(f"{source} needs something after it. Write \\{source} for the character itself.")
    if kind == "char" and source != ".":
        source = re.escape(source)
    try:
        re.compile(source)
    except (re.error, FutureWarning) as error:
        raise PatternRefused(f"This is no pattern: {error}.") from None
    return _Item(source)


def _count(branch: list[_Item], source: str) -> None:
    if not branch or branch[-1].is_edge or (branch[-1].least, branch[-1].most) != (1, 1):
        raise PatternRefused(f"{source} has nothing to count. Write \\{source[0]} for the character itself.")
    item = branch[-1]
    if source in "*+?":
        item.least, item.most = {"*": (0, MOST), "+": (1, MOST), "?": (0, 1)}[source]
        return
    found = _COUNTED.fullmatch(source)
    assert found is not None
    item.least = int(found[1])
    item.most = item.least if not found[2] else int(found[3] or MOST)
    if not item.least <= item.most <= MOST or item.most == 0:
        raise PatternRefused(f"{source} is no count from 1 to {MOST}.")


def _nothing_twice(branch: list[_Item]) -> None:
    """Refuse a count that would have to give back what it took."""
    for number, item in enumerate(branch):
        if not item.varies:
            continue
        taken = item.characters()
        for following in branch[number + 1 :]:
            if following.is_edge:
                continue
            if taken & following.characters():
                raise PatternRefused(
                    f"{following.source} could also be taken by the count before it, which would be slow. Say what is "
                    "between them, for example [^@]+@ instead of .+@"
                )
            if following.least:
                break

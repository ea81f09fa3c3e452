"""Every regular expression that meets text from outside takes time in proportion to it.

They are collected out of the source, so a new one is tried without anybody thinking of it.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from dashboard.launch.fields import JSONText

ROOT = Path(__file__).resolve().parents[2]
SCANS = {"search", "sub", "subn", "split", "findall", "finditer", "scanner"}

# What the supervisor and settings read on one's own machine before anybody is served.
OWN_MACHINE = {"dashboard/env.py", "dashboard/local/bootstrap.py"}

PIECES = [
    *'" \\ \\" "\\ \' ` `` - -N 1 1. 1e 1.1 a a. , : [ { {" ( () a( a(\' < & @ a@ a@a. / /runs/ /threads/ é'.split(),
    *"/s/ \u200b \u202e\u200b \\u \\u0 = 'a', 0 _ -- # ** [ ]( | ~".split(),
    *(" ", "a ", "\t", "\n", ", "),
]
SHORT, LONG = 4_000, 32_000
SURE_S = 0.01
"""Less than that is noise, whatever it is divided by."""
WORST = 8 * 4
"""Eight times as much text may take eight times as long, and four times that on a busy machine; a square takes 64."""


@dataclass(frozen=True)
class Use:
    """A pattern and how it is used: one that is only matched at a place is not looked for everywhere."""

    pattern: re.Pattern[Any]
    scans: bool

    def seconds(self, text: str) -> float:
        given = text.encode("utf-8", "replace") if isinstance(self.pattern.pattern, bytes) else text
        began = time.process_time()
        self.pattern.match(given)
        self.pattern.fullmatch(given)
        if self.scans:
            for _ in self.pattern.finditer(given):
                pass
        return time.process_time() - began


def patterns() -> Iterator[tuple[str, Use]]:
    """Each pattern with its place: those written where they are used, and those that modules have compiled."""
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(ROOT.glob("dashboard/**/*.py"))}
    calls: dict[str, set[str]] = defaultdict(set)
    for source in sources.values():
        for key, method in re.findall(r"\b(\w+)\.(\w+)", source):
            calls[key].add(method)
    for name, source in sources.items():
        if name in OWN_MACHINE or "/migrations/" in name:
            continue
        if "re." not in source:
            continue
        for line, use in _written_in_place(source):
            yield f"{name}:{line}", use
        if "re.compile" not in source:
            continue
        module = importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        handed_on = set(re.findall(r"\w+\.(\w+)\(", source))
        for key, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{name}:{key}", Use(value, scans=bool((calls[key] or handed_on) & SCANS))


def _written_in_place(source: str) -> Iterator[tuple[int, Use]]:
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        if is_re and node.func.attr in SCANS | {"match", "fullmatch"}:
            assert isinstance(node.args[0], ast.Constant), f"line {node.lineno}: a pattern that cannot be tried"
            flags = re.DOTALL if "DOTALL" in ast.unparse(node) else 0
            yield node.lineno, Use(re.compile(node.args[0].value, flags), scans=node.func.attr in SCANS)


PATTERNS = dict(patterns())


def inputs(length: int) -> Iterator[str]:
    for piece in PIECES:
        body = piece * (length // len(piece))
        yield body
        yield '"' + body
        yield "a('" + body + "\x00"


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_takes_time_in_proportion_to_its_text(place: str) -> None:
    use = PATTERNS[place]
    for short, long in zip(inputs(SHORT), inputs(LONG), strict=True):
        took = use.seconds(short)
        assert took < 1, f"{short[:12]!r}: {took:.2f} s for {SHORT:,} characters"
        longer = use.seconds(long)
        assert longer < max(SURE_S, took) * WORST, f"{long[:12]!r}: {took:.4f} s, then {longer:.4f} s"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN, "b": "' + '\\"' * 500_000,
        '{"a": NaN, "b": ' + '"' * 1_000_000,
        '{"a": 1, "a": 2, "b": "' + "\\" * 1_000_000,
        "[" + "1e999," * 150_000,
        '{"' + "k" * 1_000_000 + '": 1, "' + "k" * 1_000_000 + '": 2}',
        "1" * 1_000_000,
        "[" * 1_000_000,
    ],
    ids=["escapes", "quotes", "backslashes", "numbers", "key", "digits", "deep"],
)
def test_a_megabyte_of_wrong_json_is_refused_in_under_a_second(text: str) -> None:
    field = JSONText(example="{}")
    field.label = "Input"
    began = time.process_time()

    with pytest.raises(ValidationError) as refused:
        field.clean(text)

    assert time.process_time() - began < 1
    assert len(refused.value.messages[0]) < 1_000

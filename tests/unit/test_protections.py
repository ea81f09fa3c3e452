"""The list of protections does not rot: each stands in its file, can be removed, and names tests that exist."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.protections.breaks import BREAKS
from tests.protections.broken import Break

ROOT = Path(__file__).resolve().parents[2]

each_break = pytest.mark.parametrize("each", BREAKS, ids=lambda each: each.name)


@functools.cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    found = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


@each_break
def test_its_text_is_in_its_file_once_and_what_is_left_compiles(each: Break) -> None:
    left = each.applied_to((ROOT / each.file).read_text())

    assert each.old != each.new
    if each.file.endswith(".py"):
        compile(left, each.file, "exec")


@each_break
def test_its_tests_exist(each: Break) -> None:
    assert each.tests
    for test in each.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in names_in(file), test


def test_names_are_single_and_easily_typed() -> None:
    names = [each.name for each in BREAKS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert all(each.promise.endswith(".") for each in BREAKS)

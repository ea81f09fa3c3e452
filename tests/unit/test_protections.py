"""The list of protections stays true: each is in its file, can be removed, and names tests that exist."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.protections.breaks import BREAKS
from tests.protections.broken import Break, NotThere
from tests.protections.trying import run_tests

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    found = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def test_each_text_is_in_its_file_once_and_what_is_left_compiles() -> None:
    wrong = []
    for each in BREAKS:
        try:
            left = each.applied_to((ROOT / each.file).read_text())
            if each.file.endswith(".py"):
                compile(left, each.file, "exec")
        except (NotThere, SyntaxError, FileNotFoundError) as error:
            wrong.append(f"{each.name}: {error}")
        if each.old == each.new:
            wrong.append(f"{each.name}: changes nothing")

    assert wrong == []


def test_each_names_tests_that_exist() -> None:
    wanted = [(each.name, test) for each in BREAKS for test in each.tests]

    assert all(each.tests for each in BREAKS)
    assert [
        (name, test)
        for name, test in wanted
        if test.partition("::")[2].partition("[")[0] not in names_in(test.partition("::")[0])
    ] == []


def test_names_are_single_and_easily_typed() -> None:
    names = [each.name for each in BREAKS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert all(each.promise.endswith(".") for each in BREAKS)


def test_what_is_not_there_exactly_once_is_not_removed() -> None:
    guard = Break("guard", "It is guarded.", "file.py", "if held:", "if True:", ("tests/test_x.py::test_x",))

    assert guard.applied_to("if held:\n    write()") == "if True:\n    write()"
    for moved in ("", "if held: pass\nif held: pass"):
        with pytest.raises(NotThere):
            guard.applied_to(moved)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "is_red"),
    [
        ("def test_x():\n    assert False", True),
        ("def test_x():\n    pass", False),
        ("import nothing_of_that_name\n\ndef test_x():\n    assert False", False),
        ("import time\n\ndef test_x():\n    time.sleep(60)", False),
        ("import pytest\n\n@pytest.fixture\ndef f():\n    assert False\n\ndef test_x(f):\n    pass", False),
    ],
    ids=["fails", "passes", "cannot be imported", "does not end", "fails before it begins"],
)
def test_only_a_test_that_ran_and_failed_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, is_red: bool
) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    copy = tmp_path / "copy"
    copy.mkdir()
    (tmp_path / "tmp").mkdir()
    (copy / "test_it.py").write_text(body)

    tried = run_tests(copy, ["test_it.py::test_x"], within_s=5 if "sleep" in body else 50)

    assert tried.is_red is is_red
    assert tried.is_green is (body == "def test_x():\n    pass")
    assert tried.failed == (("test_it.py::test_x",) if is_red else ())

"""Random documents with a canary where a link hides: it appears nowhere in what is shown."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from dashboard.runs.state.json_values import read_json
from dashboard.sharing.redaction.rules import Redactor, Rules, dump, pick, pointer_tree

CANARY = 'can~ary/ \u00e9 "x"'
MAIL = "canary.bird@mail.example.org"
KEYS = some.sampled_from(["a", "b", "name", "email", "messages", "content", "type", "a/b", "~", "", "0"])
LEAVES = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(allow_nan=False), some.text(max_size=20),
    some.sampled_from([f"Dear {CANARY}, hello", json.dumps({"name": CANARY, "n": 1}), f"<{MAIL}>", f"x{MAIL}y", "ai"]),
)  # fmt: skip
DOCUMENTS = some.recursive(
    some.dictionaries(KEYS, LEAVES, max_size=5),
    lambda inner: some.one_of(some.dictionaries(KEYS, inner, max_size=4), some.lists(inner, max_size=4)),
    max_leaves=25,
)


def pointer_of(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def places(value: Any, path: list[str | int]) -> list[list[str | int]]:
    """Every place of a document but the whole of it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in members for found in ([*path, key], *places(one, [*path, key]))]


def put(value: Any, path: list[str | int], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def shown(document: Any, rules: Rules) -> str:
    """What a link with these rules shows of the document, as JSON."""
    read = read_json(json.dumps(document).encode())
    redactor = Redactor(rules)
    redactor.learn(read, by_name=False)
    return dump(redactor.value(read, by_name=False))


def says(text: str, words: str) -> bool:
    """Whether JSON holds the words, in a key or a text, also in one that is JSON itself."""

    def walk(value: Any) -> bool:
        if isinstance(value, dict):
            return any(walk(key) or walk(one) for key, one in value.items())
        if isinstance(value, list):
            return any(map(walk, value))
        return isinstance(value, str) and (words in value or json.dumps(words)[1:-1] in value)

    return walk(json.loads(text))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(DOCUMENTS, some.data())
def test_what_stands_at_a_hidden_place_is_nowhere(document: Any, data: some.DataObject) -> None:
    paths = places(document, [])
    if not paths:
        return
    path = data.draw(some.sampled_from(paths))

    text = shown(put(document, path, {"deep": [CANARY]}), Rules(redact=(pointer_of(path),)))

    assert not says(text, CANARY)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_a_kind_is_nowhere(document: Any) -> None:
    assert not says(shown(document, Rules(kinds=("email",))), MAIL)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS, some.data())
def test_only_chosen_places_are_left(document: Any, data: some.DataObject) -> None:
    paths = places(document, [])
    if not paths:
        return
    path = data.draw(some.sampled_from(paths))
    read = read_json(json.dumps(put(document, path, "kept")).encode())

    left = pick(read, pointer_tree([pointer_of(path)]))

    assert leaves(left) == ["kept"]


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        members = value.values() if isinstance(value, dict) else value
        return [leaf for one in members for leaf in leaves(one)]
    return [value]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_without_rules_nothing_changes(document: Any) -> None:
    assert json.loads(shown(document, Rules())) == json.loads(json.dumps(document))

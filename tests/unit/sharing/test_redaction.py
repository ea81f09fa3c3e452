"""What a link hides is nowhere in what it shows: by place, by name, by kind, by one's own pattern."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from dashboard.runs.state.json_values import read_json
from dashboard.sharing.redaction.kinds import is_card
from dashboard.sharing.redaction.patterns import PatternRefused, pattern_compile
from dashboard.sharing.redaction.rules import Redactor, Rules, dump, pick, pointer_tree


def redacted(value: Any, *, by_name: bool = False, **rules: tuple[str, ...]) -> Any:
    """The value as a link with these rules shows it."""
    read = read_json(json.dumps(value).encode())
    redactor = Redactor(Rules(**rules))
    redactor.learn(read, by_name=by_name)
    return json.loads(dump(redactor.value(read, by_name=by_name)))


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("email", "Write to ada.l+x@example.co.uk, now", "Write to [email hidden], now"),
        ("email", "mailto:ada%40example.org?x=1", "mailto:[email hidden]?x=1"),
        ("email", "a @ b and price@100", "a @ b and price@100"),
        ("phone", "Call +49 (0)30 1234-5678 or (555) 123-4567.", "Call [phone hidden] or [phone hidden]."),
        ("phone", "030 12345678, 015112345678", "[phone hidden], [phone hidden]"),
        ("phone", "on 2026-11-24 12:30:59.123456, 1234 items, 3.14159265", None),
        ("phone", "id 3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35", None),
        ("card", "4111 1111 1111 1111 12/27", "[card hidden] 12/27"),
        ("card", "378282246310005", "[card hidden]"),
        ("card", "4111 1111 1111 1112, 1764201600000", None),
        ("secret", "key sk-proj-abcdefghijklmnop1234", "key [secret hidden]"),
        ("secret", "Authorization: Bearer abcdef1234567890", "Authorization: Bearer [secret hidden]"),
        ("secret", "postgres://ada:hunter22@db/x", "postgres://ada:[secret hidden]@db/x"),
        ("secret", "password = 'hunter22'", "password = '[secret hidden]'"),
        ("secret", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "[secret hidden]"),
        ("secret", "the token economy of 2024", None),
    ],
)
def test_a_kind_is_hidden_and_nothing_else(kind: str, text: str, shown: str | None) -> None:
    assert redacted({"a": [text]}, kinds=(kind,)) == {"a": [text if shown is None else shown]}


def test_a_number_is_a_card_by_its_checksum() -> None:
    assert is_card("5555555555554444")
    assert not is_card("5555555555554445")
    assert redacted({"card": 4111111111111111}, kinds=("card",)) == {"card": "[card hidden]"}


def test_a_member_named_like_a_secret_is_hidden_whole_and_so_is_its_value_elsewhere() -> None:
    found = redacted({"api_key": "plainword", "log": "used plainword"}, kinds=("secret",))

    assert found == {"api_key": "[hidden]", "log": "used [hidden]"}


def test_a_place_is_hidden_and_what_stood_there_also_elsewhere() -> None:
    state = {"customer": {"name": "Canary", "city": "Bergen"}, "answer": "Dear Canary,", "n": 3, "list": [1, "Canary"]}

    found = redacted(state, redact=("/customer/name", "/list/0"))

    assert found == {
        "customer": {"name": "[hidden]", "city": "Bergen"},
        "answer": "Dear [hidden],",
        "n": 3,
        "list": ["[hidden]", "[hidden]"],
    }


def test_a_hidden_key_is_hidden_in_messages_also_in_arguments_written_as_text() -> None:
    arguments = json.dumps({"email": "ab", "n": 1.50})
    state = {
        "email": "xyz",
        "messages": [{"type": "ai", "content": "", "tool_calls": [{"args": {"email": "ab"}}], "raw": arguments}],
        "other": {"email": "ab"},
    }

    found = redacted(state, redact=("/email",))

    message = found["messages"][0]
    assert found["email"] == "[hidden]"
    assert message["tool_calls"][0]["args"] == {"email": "[hidden]"}
    assert json.loads(message["raw"])["email"] == "[hidden]"
    assert message["type"] == "ai"
    assert found["other"] == {"email": "ab"}  # the pointer names one place of the state


def test_numbers_and_names_keep_how_they_are_written() -> None:
    raw = b'{"a": 1.0, "b": 12345678901234567890, "a@b.org": 1, "c@d.org": 2}'

    found = Redactor(Rules(kinds=("email",))).value(read_json(raw), by_name=False)

    assert dump(found) == '{"a": 1.0, "b": 12345678901234567890, "[email hidden]": 1, "[email hidden] 2": 2}'


def test_chosen_keys_are_all_that_is_left() -> None:
    state = {"a": {"b": 1, "c": 2}, "items": [{"x": 1, "y": 2}, {"x": 3}], "text": "whole", "z~/": 1}

    found = pick(state, pointer_tree(["/a/b", "/items/0/x", "/text/deeper", "/z~0~1", "/nothing"]))

    assert found == {"a": {"b": 1}, "items": [{"x": 1}], "z~/": 1}


@pytest.mark.parametrize(
    ("pattern", "text", "shown"),
    [
        (r"INV-\d{6}", "see inv-123456", "see [hidden]"),
        (r"[A-Z]{2}\d+\b|secret", "AB12 and Secret", "[hidden] and [hidden]"),
        (r"[^@\s]+@corp", "ada@corp", "[hidden]"),
        (r"a\.b?", "a.b a. axb", "[hidden] [hidden] axb"),
    ],
)
def test_ones_own_patterns(pattern: str, text: str, shown: str) -> None:
    assert redacted([text], patterns=(pattern,)) == [shown]


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+b", ".*x", "a*a*b", r"\w+\d", "", "a*", "x|", r"(?=a)"),
        *(r"\1", "[z-a]", "a{5,2}", "a{200}", "*", "a**", "\\", "[a"),
    ],
)
def test_patterns_that_could_be_slow_or_mean_nothing_are_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(PatternRefused) as refused:
        pattern_compile(pattern)

    assert str(refused.value)[-1] in ".@"


@pytest.mark.parametrize("pattern", [r"[a-z]+[0-9]", r"[^@]+@", r"a?b?c?d", r"\s*x\s*y", r"[ab]{50,100}c"])
def test_what_is_taken_is_quick_on_any_text(pattern: str) -> None:
    compiled = pattern_compile(pattern)

    began = time.process_time()
    for piece in ("a", "ab", " ", "a b", "x ", "b" * 99):
        compiled.sub("", piece * (200_000 // len(piece)))

    assert time.process_time() - began < 20  # one try in ten thousand steps would take minutes

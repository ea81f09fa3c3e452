"""The launch form: every parameter of wait, and each mistake with a sentence next to its field."""

from __future__ import annotations

import inspect
import re
import uuid
from typing import Any

import pytest

from dashboard.langgraph.runs import RunsClient
from dashboard.launch.forms import LaunchForm
from dashboard.launch.headers import MASK
from dashboard.launch.parameters import ADVANCED_FIELDS, MAIN_FIELDS, WAIT_PARAMETERS
from dashboard.teams.models import Role
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

THREAD = "3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35"


def form_of(**fields: str) -> LaunchForm:
    team = make_team()
    make_server(team)
    return LaunchForm({"assistant_id": "chat", **fields}, team=team)


def given(**fields: str) -> dict[str, Any]:
    form = form_of(**fields)
    assert form.is_valid(), form.errors
    return dict(form.order().params)


def errors_of(field: str, **fields: str) -> str:
    form = form_of(**fields)
    assert not form.is_valid()
    return " ".join(form.errors.get(field, []))


def test_every_parameter_a_person_can_give_is_a_field_with_label_and_help() -> None:
    signature = set(inspect.signature(RunsClient.wait).parameters) - {"self", "on_run_created"}

    fields = LaunchForm.base_fields

    assert signature <= set(fields)
    assert set(WAIT_PARAMETERS) | {"headers", "thread_id", "assistant_id"} == signature
    assert set(MAIN_FIELDS) | set(ADVANCED_FIELDS) | {"launch_key", "parent"} == set(fields)
    for name in signature:
        assert fields[name].label
        assert str(fields[name].help_text).endswith(".")
        if name not in ("assistant_id", "thread_id"):
            assert "Default" in fields[name].help_text or "default" in fields[name].help_text, name


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("input", "{}", {}),
        ("input", '{"a": [1, 2.5, null, "\\u0000é"]}', {"a": [1, 2.5, None, "\x00é"]}),
        ("context", "{}", {}),
        ("metadata", '{"k": 1}', {"k": 1}),
        ("config", '{"recursion_limit": 5}', {"recursion_limit": 5}),
        ("checkpoint", '{"checkpoint_id": "x"}', {"checkpoint_id": "x"}),
        ("checkpoint_id", "1ef4", "1ef4"),
        ("checkpoint_during", "false", False),
        ("checkpoint_during", "true", True),
        ("interrupt_before", "a\r\n b \n", ["a", "b"]),
        ("interrupt_before", "*", "*"),
        ("interrupt_after", "write", ["write"]),
        ("webhook", "https://example.org/done?x=1", "https://example.org/done?x=1"),
        ("on_disconnect", "cancel", "cancel"),
        ("multitask_strategy", "rollback", "rollback"),
        ("if_not_exists", "create", "create"),
        ("after_seconds", "0", 0),
        ("after_seconds", "60", 60),
        ("langsmith_tracing", '{"project_name": "p"}', {"project_name": "p"}),
        ("raise_error", "false", False),
        ("params", '{"a": ["x", "y"]}', {"a": ["x", "y"]}),
        ("durability", "exit", "exit"),
    ],
)
def test_what_is_given_reaches_wait_under_its_own_name(field: str, text: str, value: Any) -> None:
    found = given(**{field: text})

    assert found == {field: value}
    assert type(found[field]) is type(value)


def test_nothing_given_leaves_every_default_to_the_sdk() -> None:
    assert given() == {}
    assert given(input="", config="  ", interrupt_before="\n", raise_error="", after_seconds="", params="null") == {}


def test_a_command_goes_to_an_existing_thread() -> None:
    form = form_of(command='{"resume": false}', thread="existing", thread_id=THREAD)

    assert form.is_valid(), form.errors
    assert form.order().params == {"command": {"resume": False}}
    assert form.order().thread_id == THREAD


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n  "a": 1\n  "b": 2}', "Line 3, column 3: expected a comma"),
        ('{"topic": "x",\n "sections": 1', "expected a comma or }."),
        ('{"a": "{ \\\\", "b": [1', "expected a comma or ]."),
        ("{'a': 1}", "Line 1, column 2: expected a key in double quotes"),
        ('{"a" 1}', "expected a colon"),
        ('{"a": }', "expected a value"),
        ('{"a": "x}', "no closing quote"),
        ('{"a": 1} x', "expected nothing more"),
        ("[1, 2]", "must be a JSON object, for example"),
        ('"text"', "This is a text."),
        ("3", "This is a number."),
        ('{"a": NaN}', "Line 1, column 7: NaN is no JSON value"),
        ('{"NaN": -Infinity}', "Line 1, column 9: -Infinity is no JSON value"),
        ('{"a": 1e999}', "too large for a number"),
        ('{"a": 1,\n "a": 2}', 'Line 2, column 2: the key "a" stands twice'),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
    ],
)
def test_json_that_is_wrong_gets_its_place_and_what_was_expected(text: str, says: str) -> None:
    found = errors_of("input", input=text)

    assert says in found
    assert 'for example {"topic": "tides"}' in found or "for example" in found


@pytest.mark.parametrize(
    "field",
    ["input", "command", "metadata", "config", "context", "checkpoint", "langsmith_tracing", "headers", "params"],
)
def test_every_mapping_refuses_what_is_no_object(field: str) -> None:
    assert "must be a JSON object" in errors_of(field, **{field: "[]"})


@pytest.mark.parametrize(
    ("field", "fields", "says"),
    [
        ("assistant_id", {"assistant_id": " "}, "Choose an assistant"),
        ("command", {"input": "{}", "command": "{}"}, "not both"),
        ("context", {"context": "{}", "config": '{"configurable": {}}'}, "not both"),
        ("command", {"command": '{"resume": 1}'}, "existing thread"),
        ("command", {"command": '{"resume": null}', "thread": "stateless"}, "existing thread"),
        ("thread_id", {"thread": "existing"}, "Give the id"),
        ("thread_id", {"thread": "existing", "thread_id": "abc"}, "must be a UUID"),
        ("thread_id", {"thread": "new", "thread_id": THREAD}, "only for an existing thread"),
        ("thread", {"thread": "elsewhere"}, "elsewhere"),
        ("on_completion", {"on_completion": "keep"}, "only for stateless"),
        ("on_completion", {"on_completion": "delete", "thread": "existing", "thread_id": THREAD}, "only for stateless"),
        ("checkpoint_id", {"checkpoint": "{}", "checkpoint_id": "x"}, "not both"),
        ("if_not_exists", {"if_not_exists": "reject", "thread": "new"}, "never exists yet"),
        ("after_seconds", {"after_seconds": "-1"}, "0 or more"),
        ("after_seconds", {"after_seconds": "99999999999"}, "over a year"),
        ("after_seconds", {"after_seconds": "soon"}, "whole seconds"),
        ("webhook", {"webhook": "ftp://x/y"}, "http://"),
        ("webhook", {"webhook": "example.org"}, "http://"),
        ("webhook", {"webhook": "http://"}, "http://"),
        ("webhook", {"webhook": "http://[::1"}, "http://"),
        ("interrupt_after", {"interrupt_after": "*\nwrite"}, "not both"),
        ("headers", {"headers": '{"a b": "x"}'}, "no header name"),
        ("headers", {"headers": '{"": "x"}'}, "no header name"),
        ("headers", {"headers": '{"X": "a\\r\\nEvil: 1"}'}, "HTTP forbids the value"),
        ("headers", {"headers": '{"X": "é"}'}, "HTTP forbids the value"),
        ("headers", {"headers": '{"X": " a"}'}, "HTTP forbids the value"),
        ("headers", {"headers": '{"X": 1}'}, "must be a text"),
        ("headers", {"headers": '{"X": "1", "x": "2"}'}, "stands twice"),
        ("headers", {"headers": '{"Content-Length": "1"}'}, "cannot be given"),
        ("params", {"params": '{"a": {"b": 1}}'}, "must be a text, a number"),
        ("on_disconnect", {"on_disconnect": "explode"}, "explode"),
        ("multitask_strategy", {"multitask_strategy": "explode"}, "explode"),
        ("durability", {"durability": "explode"}, "explode"),
        ("raise_error", {"raise_error": "maybe"}, "maybe"),
        ("server", {"server": str(uuid.UUID(int=1))}, "no such server"),
    ],
)
def test_each_mistake_has_its_sentence_next_to_its_field(field: str, fields: dict[str, str], says: str) -> None:
    assert says in errors_of(field, **fields)


def test_a_number_is_typed_as_text_so_that_no_browser_drops_what_it_cannot_read() -> None:
    assert 'type="text"' in str(form_of(after_seconds="60-")["after_seconds"])
    assert "whole seconds" in errors_of("after_seconds", after_seconds="60-")


def test_an_error_under_advanced_opens_it() -> None:
    assert not form_of().advanced_is_open()
    assert form_of(webhook="x").advanced_is_open()


def test_a_thread_id_alone_means_the_existing_thread() -> None:
    form = form_of(thread_id=THREAD)

    assert form.is_valid()
    assert form.order().thread_choice == "existing"


def test_a_team_with_several_servers_must_choose() -> None:
    team = make_team()
    make_server(team), make_server(team)

    form = LaunchForm({"assistant_id": "chat"}, team=team)

    assert form.errors["server"] == ["Choose a server for the run."]


def test_another_teams_server_is_no_choice() -> None:
    team, other = make_team(), make_team()
    make_server(team)

    form = LaunchForm({"assistant_id": "chat", "server": str(make_server(other).pk)}, team=team)

    assert "server" in form.errors


def test_masked_headers_take_the_values_of_the_run_launched_again() -> None:
    parent = make_run(headers={"X-Key": "s3cret"})
    fields = {"assistant_id": "chat", "headers": f'{{"X-Key": "{MASK}", "X-New": "n"}}'}

    again = LaunchForm({**fields, "parent": str(parent.pk)}, team=parent.team, by=parent.launched_by)
    alone = LaunchForm(fields, team=parent.team)

    assert again.is_valid(), again.errors
    assert again.order().headers == {"X-Key": "s3cret", "X-New": "n"}
    assert "type it again" in alone.errors["headers"][0]


def test_masked_headers_never_go_to_another_server() -> None:
    parent = make_run(headers={"X-Key": "s3cret"})
    other = make_server(parent.team)
    fields = {"assistant_id": "chat", "headers": f'{{"X-Key": "{MASK}"}}', "parent": str(parent.pk)}

    form = LaunchForm({**fields, "server": str(other.pk)}, team=parent.team, by=parent.launched_by)

    assert "type it again" in form.errors["headers"][0]


@pytest.mark.parametrize(("role", "may"), [("admin", True), ("member", False)])
def test_masked_headers_are_for_who_launched_the_run_and_admins(role: Role, may: bool) -> None:
    parent = make_run(headers={"X-Key": "s3cret"})
    fields = {"assistant_id": "chat", "headers": f'{{"X-Key": "{MASK}"}}', "parent": str(parent.pk)}

    form = LaunchForm(fields, team=parent.team, by=make_user(parent.team, role=role))

    assert form.is_valid() is may


def test_an_assistant_that_cannot_be_seen_is_refused() -> None:
    form = form_of(assistant_id="\u200b\u2060")

    assert "invisible characters" in form.errors["assistant_id"][0]


def test_another_teams_run_gives_no_secret() -> None:
    parent = make_run(headers={"X-Key": "s3cret"})
    stranger = make_team()
    make_server(stranger)

    form = LaunchForm(
        {"assistant_id": "chat", "headers": f'{{"X-Key": "{MASK}"}}', "parent": str(parent.pk)}, team=stranger
    )

    assert "headers" in form.errors


@pytest.mark.parametrize("text", ["nonsense", "\x00", "x" * 2_500])
def test_no_mistake_is_in_the_frameworks_words(text: str) -> None:
    team = make_team()
    make_server(team)
    mistakes: list[str] = []
    for name in LaunchForm.base_fields:
        form = LaunchForm({"assistant_id": "chat", name: text}, team=team)
        mistakes += [sentence for sentences in form.errors.values() for sentence in sentences]

    theirs = re.compile(
        "valid choice|valid UUID|Enter a|Ensure|Null char|field is required|value must be", re.IGNORECASE
    )
    assert len(mistakes) > 5
    assert [sentence for sentence in mistakes if theirs.search(sentence)] == []


def test_a_word_the_server_does_not_know_is_refused_with_those_it_does() -> None:
    assert (
        errors_of("durability", durability="often")
        == "“often” is not a choice: give sync, async or exit; empty is the default."
    )
    assert (
        errors_of("raise_error", raise_error="yes")
        == "“yes” is not a choice: give true or false; empty is the default."
    )
    assert errors_of("name", name="x" * 250) == "This is too long: it has 250 characters, and 200 fit."

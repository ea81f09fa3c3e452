"""Our `wait` puts the same request on the wire as the SDK's, over every parameter, alone and in combination."""

from __future__ import annotations

import inspect
import itertools
import json
import uuid
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import langgraph_sdk
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph_sdk._async.runs import RunsClient as SdkRunsClient

from dashboard.langgraph import RequestInvalid, get_client
from dashboard.langgraph.payload import RunOptions
from dashboard.langgraph.runs import RunsClient
from tests.recording_server import RecordingServer
from tests.scripted_server.wire import Request

THREAD = "1ef0b0b0-0000-6000-8000-000000000002"
VALUES: dict[str, list[Any]] = {
    "input": [
        *({}, [], 0, False, "", "text", None),
        {
            "messages": [{"role": "user", "content": "héllo \U0001f30a \u202e"}],
            "none": None,
            "nested": {"a": [1.5, {}]},
        },
        {
            "nan": float("nan"),
            "inf": [float("inf"), float("-inf")],
            "set": {1},
            7: "int key",
            "at": datetime(2026, 1, 1),
        },
        {"id": uuid.UUID(int=5), "aware": datetime(2026, 1, 1, tzinfo=UTC), "tuple": (1, 2), "big": 2**63 - 1},
    ],
    "command": [
        {},
        {"resume": None},
        {"resume": "yes", "update": None, "goto": None},
        {"resume": False, "goto": "node"},
        {"resume": {"id": {}}, "update": {"a": None}, "goto": [{"node": "n", "input": {}}]},
        {"resume": 0, "update": []},
    ],
    "metadata": [{}, {"runboard_run_id": "ü", "none": None, "n": 0}],
    "config": [{}, {"tags": [], "recursion_limit": 0, "configurable": {"x": None}}],
    "context": [{}, {"tone": "plain", "none": None}],
    "checkpoint": [{}, {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": None, "checkpoint_map": None}],
    "checkpoint_id": ["", "1ef0b0b0-0000-6000-8000-000000000003"],
    "checkpoint_during": [True, False],
    "interrupt_before": ["*", [], ["a", "ä"], ("a",)],
    "interrupt_after": ["*", [], ["b"], ("b",)],
    "webhook": ["", "https://example.com/hook?x=1&y=ü"],
    "on_disconnect": ["cancel", "continue", ""],
    "on_completion": ["delete", "keep"],
    "multitask_strategy": ["reject", "interrupt", "rollback", "enqueue"],
    "if_not_exists": ["reject", "create"],
    "after_seconds": [0, 1, 86400, 0.5],
    "langsmith_tracing": [{}, {"project_name": "p", "example_id": None}],
    "raise_error": [True, False],
    "headers": [
        {},
        {"X-Extra": "1", "x-lower": "a b"},
        {"content-type": "application/json; charset=utf-8"},
        {"Content-Type": "text/plain", "Accept": "text/html", "User-Agent": "mine", "Authorization": "Bearer t"},
        {"X-Empty": "", "Cookie": "a=b", "Accept-Encoding": "identity"},
    ],
    "params": [
        {},
        {"a": [1, "two", True, None, 2.5], "ü": "ä b&c=d/e", "flag": False, "none": None, "empty": "", "list": []},
        [("a", 1), ("a", "2"), ("b", None)],
        (("x", "y"),),
        "raw=query&x=%20y",
        b"raw=bytes",
        "",
    ],
    "durability": ["sync", "async", "exit"],
    "strict_resume": [True, False],
}
THREADS = [
    *(
        None,
        THREAD,
        THREAD.upper(),
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a/b",
        "../../etc",
        "ä ö",
        "%2F",
        "a?b#c",
        "\U0001f30a",
    ),
    *("a%20b", ";:@&=+$,", "~tilde_-", "\n\t\x00", "x" * 2000, uuid.UUID(THREAD), 7),
]
ASSISTANTS = ["chat", "", "ünï", "fe096781-5601-53d2-b2f6-0d3403f7e9ca"]
SINGLES = [(name, value) for name, values in VALUES.items() for value in values]


@pytest.fixture
async def recording() -> AsyncIterator[RecordingServer]:
    async with RecordingServer() as server:
        yield server


@dataclass(frozen=True)
class Both:
    """The SDK's client and ours, made once for a test: each loads all certificates, as long as ten requests take."""

    server: RecordingServer
    clients: tuple[Any, Any]

    async def wait(self, thread: Any, assistant: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """The same call by the SDK and by us: the two requests."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for client in self.clients:
                await client.runs.wait(thread, assistant, **arguments)
        return [on_the_wire(request) for request in self.server.take()]


@pytest.fixture
async def both(recording: RecordingServer) -> AsyncIterator[Both]:
    sdk = langgraph_sdk.get_client(url=recording.url, api_key=None)
    async with sdk, get_client(recording.url) as ours:
        yield Both(recording, (sdk, ours))


def on_the_wire(request: Request) -> dict[str, Any]:
    """All of a request but the name of the program that sent it, unless the caller gave that name."""
    headers = [(name, value) for name, value in request.raw_headers if not _is_default_agent(name, value)]
    return {"line": (request.method, request.path, request.query), "headers": headers, "body": request.body}


def _is_default_agent(name: str, value: str) -> bool:
    return name.lower() == "user-agent" and value.startswith(("langgraph-sdk-py/", "runboard"))


async def assert_same(both: Both, thread: Any, assistant: str, arguments: dict[str, Any]) -> None:
    requests = await both.wait(thread, assistant, arguments)

    assert len(requests) == 2
    assert requests[0] == requests[1]


@pytest.mark.parametrize(("name", "value"), SINGLES, ids=lambda value: repr(value)[:40])
async def test_each_parameter_alone(both: Both, name: str, value: Any) -> None:
    await assert_same(both, THREAD, "chat", {name: value})
    await assert_same(both, None, "chat", {name: value})


@pytest.mark.parametrize("thread", THREADS, ids=lambda value: repr(value)[:40])
async def test_odd_thread_ids(both: Both, thread: Any) -> None:
    await assert_same(both, thread, "chat", {"input": {}})


@pytest.mark.parametrize("assistant", ASSISTANTS)
async def test_assistants(both: Both, assistant: str) -> None:
    await assert_same(both, None, assistant, {})


async def test_every_pair_of_parameters(both: Both) -> None:
    for number, (first, second) in enumerate(itertools.combinations(VALUES, 2)):
        pick = {name: VALUES[name][number % len(VALUES[name])] for name in (first, second)}

        await assert_same(both, THREAD if number % 2 else None, "chat", pick)


async def test_all_parameters_at_once(both: Both) -> None:
    for number in range(max(map(len, VALUES.values()))):
        await assert_same(both, THREAD, "chat", {name: v[number % len(v)] for name, v in VALUES.items()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    thread=st.sampled_from(THREADS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    assistant=st.sampled_from(ASSISTANTS),
    arguments=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}),
    document=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
        max_leaves=10,
    ),
)
async def test_random_combinations(
    both: Both, thread: Any, assistant: str, arguments: dict[str, Any], document: Any
) -> None:
    await assert_same(both, thread, assistant, {**arguments, "metadata": {"document": document}})


async def test_the_body_holds_what_was_given_and_nothing_else(recording: RecordingServer) -> None:
    given_away = {"raise_error": False, "headers": {"x": "1"}, "params": {"p": 1}, "on_run_created": lambda _: None}
    async with get_client(recording.url) as client:
        await client.runs.wait(None, "chat", **given_away)
        await client.runs.wait(
            None, "chat", input={}, after_seconds=0, command={}, langsmith_tracing={"project_name": "p"}
        )

    first, second = (json.loads(request.body) for request in recording.take())

    assert first == {"assistant_id": "chat"}
    assert second == {
        "assistant_id": "chat",
        "input": {},
        "after_seconds": 0,
        "langsmith_tracer": {"project_name": "p"},
    }


async def test_headers_of_the_client_are_the_same(recording: RecordingServer) -> None:
    headers = {"X-Team": "a", "Authorization": "Bearer t"}
    async with langgraph_sdk.get_client(url=f"{recording.url}/below/", api_key=None, headers=headers) as sdk:
        await sdk.runs.wait(THREAD, "chat", headers={"X-Team": "b"})
    async with get_client(f"{recording.url}/below/", headers=headers) as ours:
        await ours.runs.wait(THREAD, "chat", headers={"X-Team": "b"})

    sdks, our = map(on_the_wire, recording.take())

    assert sdks == our


async def test_the_short_requests_are_the_same(recording: RecordingServer) -> None:
    async def look(client: Any) -> list[dict[str, Any]]:
        async with client:
            for call in (
                client.runs.get(THREAD, "r"),
                client.runs.cancel(THREAD, "r"),
                client.runs.cancel(THREAD, "r", action="rollback", wait=True),
                client.runs.join(THREAD, "r/.."),
                client.threads.get("ä/b"),
            ):
                await call
        return [on_the_wire(request) for request in recording.take()]

    sdks = await look(langgraph_sdk.get_client(url=recording.url, api_key=None))
    ours = await look(get_client(recording.url))

    assert [request["line"] for request in sdks] == [request["line"] for request in ours]
    assert [request["body"] for request in sdks] == [request["body"] for request in ours]
    assert {tuple(sorted(r["headers"])) for r in sdks} == {tuple(sorted(r["headers"])) for r in ours}


async def test_values_no_request_can_hold_are_refused_by_both(recording: RecordingServer) -> None:
    for thread, arguments in [(b"bytes", {}), (None, {"input": object()}), (None, {"headers": {"x": "a\nb"}})]:
        async with langgraph_sdk.get_client(url=recording.url, api_key=None) as sdk:
            with pytest.raises(Exception, match=r"."):
                await sdk.runs.wait(thread, "chat", **arguments)  # type: ignore[call-overload]
        async with get_client(recording.url) as ours:
            with pytest.raises(RequestInvalid):
                await ours.runs.wait(thread, "chat", **arguments)  # type: ignore[arg-type]

    assert recording.take() == []


@pytest.mark.parametrize("value", [True, False])
async def test_checkpoint_during_warns_where_it_was_written(recording: RecordingServer, value: bool) -> None:
    async with get_client(recording.url) as client:
        with pytest.warns(DeprecationWarning, match="durability") as caught:
            await client.runs.wait(None, "chat", checkpoint_during=value)

    assert caught[0].filename == __file__


def test_the_signature_is_the_sdks() -> None:
    sdks = inspect.signature(SdkRunsClient.wait).parameters
    ours = inspect.signature(RunsClient.wait).parameters

    assert list(ours) == list(sdks)
    assert [(p.kind, p.default) for p in ours.values()] == [(p.kind, p.default) for p in sdks.values()]


OWN_ARGUMENTS = {"before_send", "on_connection", "with_events", "with_values", "by_create"}


def test_wait_answer_takes_what_wait_takes() -> None:
    wait = set(inspect.signature(RunsClient.wait).parameters)
    lower = set(inspect.signature(RunsClient.wait_answer).parameters)

    assert RunOptions.__annotations__.keys().isdisjoint(lower)
    assert (lower | RunOptions.__annotations__.keys()) - OWN_ARGUMENTS == wait - {"raise_error"} | {"options"}


def test_every_parameter_is_compared() -> None:
    parameters = set(inspect.signature(RunsClient.wait).parameters)

    assert set(VALUES) == parameters - {"self", "thread_id", "assistant_id", "on_run_created"}

"""Server-sent events are cut right however they are chunked, and no event takes more memory than allowed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dashboard.langgraph import LangGraphClient, RunRejected
from dashboard.langgraph.events import EVENT_BYTES, EventParser, Repeats, StreamEvent
from tests.scripted_server import Fault, ScriptedServer

SENT = (
    b'event: metadata\r\ndata: {"attempt":1}\r\nid: 1795705199371-0\r\n\r\n'
    b": heartbeat\r\n\r\n"
    b'event: updates|measure:e6ff\ndata: {"sample":\ndata: null}\nid: 1795705200205-0\n\n'
    b'event: messages\r\ndata: ["\xc3\xa9"]\r\n\r\n'
)
EVENTS = [
    StreamEvent("1795705199371-0", "metadata", "", b'{"attempt":1}'),
    StreamEvent("1795705200205-0", "updates", "measure:e6ff", b'{"sample":\nnull}'),
    StreamEvent("1795705200205-0", "messages", "", '["é"]'.encode()),
]


@pytest.mark.parametrize("size", [1, 2, 7, 50, len(SENT)])
def test_events_come_out_whole_however_they_are_chunked(size: int) -> None:
    parser = EventParser()

    found = [event for at in range(0, len(SENT), size) for event in parser.feed(SENT[at : at + size])]

    assert found == EVENTS
    assert found[0].at == datetime(2026, 11, 26, 14, 59, 59, 371000, UTC)
    assert found[1].value() == {"sample": None}


def test_an_event_that_is_too_large_is_passed_on_without_its_data() -> None:
    parser = EventParser()
    chunks = [b"event: updates\ndata: ", *[b"x" * 100_000] * (EVENT_BYTES // 100_000 + 5), b"\nid: 7\n\n", SENT]

    found = [event for chunk in chunks for event in parser.feed(chunk)]

    assert found[0] == StreamEvent("7", "updates", "", None)
    assert found[0].value() is None
    assert found[1:] == EVENTS
    assert len(parser._line) < 1000


@pytest.mark.parametrize("identity", ["", "7", "x-0", "99999999999999999999-0"])
def test_an_id_that_is_no_time_gives_none(identity: str) -> None:
    assert StreamEvent(identity, "updates", "", b"{}").at is None


def test_events_that_come_twice_are_noticed() -> None:
    repeats = Repeats()

    def event(identity: str, data: bytes) -> StreamEvent:
        return StreamEvent(identity, "messages", "", data)

    sent = [event("100-0", b"a"), event("101-0", b"b"), event("101-0", b"c"), event("102-0", b"d")]
    again = [event("101-0", b"b"), event("101-0", b"c"), event("102-0", b"d")]
    later = [event("102-0", b"e"), event("103-0", b"d"), event("", b"x"), event("", b"x")]

    assert [repeats.has(one) for one in sent + again + later] == [False] * 4 + [True] * 3 + [False] * 4


async def test_a_server_that_refuses_to_keep_events_is_asked_once(
    server: ScriptedServer, client: LangGraphClient
) -> None:
    server.script("wait", Fault(status=422, detail="stream_resumable: extra fields not permitted"))

    first = await client.runs.wait_answer(None, "chat", input=1, with_events=True)
    second = await client.runs.wait_answer(None, "chat", input=2, with_events=True)

    bodies = [json.loads(request.body) for request in server.requests if request.path.endswith("/runs/wait")]
    assert [first.body, second.body] == [b'{"echo": 1}', b'{"echo": 2}']
    assert ["stream_resumable" in body for body in bodies] == [True, False, False]


async def test_any_other_refusal_comes_out_at_once(server: ScriptedServer, client: LangGraphClient) -> None:
    server.script("wait", Fault(status=422, detail="input: this graph wants a topic"))

    with pytest.raises(RunRejected):
        await client.runs.wait_answer(None, "chat", input=1, with_events=True)

    assert server.count("wait") == 1

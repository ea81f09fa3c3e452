"""Server-sent events of a run while it goes on: `GET /threads/{t}/runs/{r}/stream`, resumable by `Last-Event-ID`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dashboard.langgraph._json.documents import parse_document
from dashboard.langgraph._transport.client import READING_ERRORS, HttpClient
from dashboard.langgraph._transport.request_trace import sentence
from dashboard.langgraph._transport.urls import segment
from dashboard.langgraph.errors import ServerUnreachableNotCreated

EVENT_BYTES: Final = 4_000_000
"""A larger event is passed on without its data: pages show words and steps, not states."""
FROM_THE_BEGINNING: Final = "-1"
STREAM_EVENTS: Final[dict[str, Any]] = {
    "stream_mode": ["updates", "messages-tuple"],
    "stream_subgraphs": True,
    "stream_resumable": True,
}
"""What a run's body must have so that it can be watched.

The answer of `wait` is the same with it, unless the graph's output is only a part of its state: then the server answers
with the whole state, and `STREAM_EVENTS_AND_VALUES` is needed.
"""

STREAM_EVENTS_AND_VALUES: Final[dict[str, Any]] = STREAM_EVENTS | {
    "stream_mode": ["values", *STREAM_EVENTS["stream_mode"]]
}


@dataclass(frozen=True)
class StreamEvent:
    """One event. `name` is "updates", "messages", "metadata" or "error"; `namespace` the subgraph it comes from.

    Attributes:
        data: The JSON bytes; None when there were more than EVENT_BYTES.
    """

    id: str
    name: str
    namespace: str
    data: bytes | None

    @property
    def at(self) -> datetime | None:
        """When it happened, by the server's clock: LangGraph's ids are `<milliseconds>-<number>`."""
        number = self.id.partition("-")[0]
        if not (number.isdecimal() and 12 <= len(number) <= 14):
            return None
        return datetime.fromtimestamp(int(number) / 1000, UTC)

    def value(self) -> Any:
        """The data as Python values; None when there is none, or it is no JSON."""
        try:
            return parse_document(self.data) if self.data else None
        except ValueError:
            return None


class EventParser:
    """Cuts bytes into events, however they are chunked. Holds one event at most, and no more than EVENT_BYTES of it."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_line_too_long = False
        self._fields: dict[bytes, bytes] = {}
        self._data: list[bytes] = []
        self._size = 0
        self._last_id = ""

    def feed(self, chunk: bytes) -> Iterator[StreamEvent]:
        """The events that this chunk completes."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._add(chunk[start:end])
            line, too_long = bytes(self._line).removesuffix(b"\r"), self._is_line_too_long
            self._line.clear()
            self._is_line_too_long = False
            start = end + 1
            event = self._take(line, too_long)
            if event is not None:
                yield event
        self._add(chunk[start:])

    def _add(self, part: bytes) -> None:
        if len(self._line) + len(part) > EVENT_BYTES:
            self._is_line_too_long = True
            part = part[: max(0, 64 - len(self._line))]  # enough to tell which field it is
        self._line += part

    def _take(self, line: bytes, too_long: bool) -> StreamEvent | None:
        if not line:
            return self._event()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += EVENT_BYTES + 1 if too_long else len(value)
            if self._size <= EVENT_BYTES:
                self._data.append(value)
        elif name in (b"event", b"id") and not too_long:
            self._fields[name] = value[:1000]
        return None

    def _event(self) -> StreamEvent | None:
        fields, data, size = self._fields, self._data, self._size
        self._fields, self._data, self._size = {}, [], 0
        if b"id" in fields:
            self._last_id = fields[b"id"].decode("utf-8", "replace")
        if b"event" not in fields:
            return None
        name, _, namespace = fields[b"event"].decode("utf-8", "replace").partition("|")
        return StreamEvent(self._last_id, name, namespace, b"\n".join(data) if size <= EVENT_BYTES else None)


class Repeats:
    """Notices events that come twice, as when a server switches from the events it kept to new ones.

    Ids are `<milliseconds>-<number>` and never fall; several events may bear the same one.
    """

    def __init__(self) -> None:
        self._last = (0, 0)
        self._with_it: set[tuple[str, str, bytes | None]] = set()

    def has(self, event: StreamEvent) -> bool:
        """Whether it came before; what has an id of another kind never did."""
        first, _, second = event.id.partition("-")
        if not (first.isdecimal() and second.isdecimal() and len(event.id) < 40):
            return False
        at, what = (int(first), int(second)), (event.name, event.namespace, event.data)
        if at < self._last or (at == self._last and what in self._with_it):
            return True
        if at > self._last:
            self._last = at
            self._with_it.clear()
        self._with_it.add(what)
        return False


async def stream_events(
    http: HttpClient, thread_id: str, run_id: str, *, last_event_id: str, headers: Mapping[str, str] | None
) -> AsyncGenerator[StreamEvent, None]:
    """The events after `last_event_id`, each once, until the server ends the answer, as it does when the run is over.

    Raises:
        RequestRejected: the server has no such run, or no such stream.
        ServerUnreachable: the connection could not be made, or broke: call again with the last event's id.
    """
    path = f"/threads/{segment(thread_id)}/runs/{segment(run_id)}/stream"
    asked = {**(headers or {}), "Accept": "text/event-stream", "Last-Event-ID": last_event_id}
    parser, repeats = EventParser(), Repeats()
    async with http.stream("GET", path, headers=asked) as response:
        try:
            async for chunk in response.aiter_bytes():
                for event in parser.feed(chunk):
                    if not repeats.has(event):
                        yield event
        except READING_ERRORS as error:
            raise ServerUnreachableNotCreated(f"{http.origin} broke off its events: {sentence(error)}.") from error

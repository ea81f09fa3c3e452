"""The scripted server: accepts connections, keeps runs and threads, plays the script."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self

from tests.scripted_server.answers import answer_at_once
from tests.scripted_server.assistants import assistant_uuid
from tests.scripted_server.faults import Fault
from tests.scripted_server.manners import LANGGRAPH_DEV, Manner
from tests.scripted_server.routes import ENDPOINTS, endpoint_of
from tests.scripted_server.runs import ScriptedRun, ScriptedThread
from tests.scripted_server.wire import Broken, Request, Wire, read_request

Result = Callable[[dict[str, Any]], Any]


def echo(payload: dict[str, Any]) -> Any:
    """The default result of a run: its input under "echo"."""
    return {"echo": payload.get("input")}


class ScriptedServer:
    """A LangGraph server for tests. See the package's docstring for how to use it.

    Attributes:
        url: "http://127.0.0.1:<port>", set once started.
        requests: Every request that arrived whole, in order.
        created: Every run that was ever created, also those forgotten since.
        threads: By id.
    """

    def __init__(
        self,
        *,
        heartbeat_s: float = 0.05,
        run_s: float | None = 0.0,
        result: Result = echo,
        graphs: Sequence[str] | None = None,
        port: int = 0,
        manner: Manner = LANGGRAPH_DEV,
    ) -> None:
        """Args:
        heartbeat_s: Seconds between two heartbeats of `wait` and `join`.
        run_s: How long runs take; None: until the test ends them.
        result: Final values of a run that ends by itself, from the POST's body.
        graphs: Graph names it knows; None: any.
        port: 0 takes a free one.
        manner: What it does differently from `langgraph dev`.
        """
        self.manner = manner
        self.heartbeat_s = heartbeat_s
        self.run_s = run_s
        self.result = result
        self.graphs = graphs
        self.requests: list[Request] = []
        self.created: list[ScriptedRun] = []
        self.threads: dict[str, ScriptedThread] = {}
        self.connections_accepted = 0
        self.copies_metadata = False
        """Whether a stateless run's metadata are copied to the thread made for it, as the real server does."""
        self.url = ""
        self._port = port
        self._script: dict[str, deque[tuple[Fault, int | None]]] = {}
        self._runs: dict[str, ScriptedRun] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.Task[None]] = set()
        self._new_run = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        for timer in list(self._timers):
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)

    async def start(self) -> None:
        """Listen; after `stop` on the same port again."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1 << 26, backlog=4096)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Refuse new connections and cut the open ones. Runs and threads are kept."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.crash()

    async def crash(self) -> None:
        """Cut every open connection without a word; keep listening (unless stopped)."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def script(self, endpoint: str, *faults: Fault, times: int | None = 1) -> None:
        """Queue faults for the next requests of an endpoint; each is used `times` times (None: from then on)."""
        if endpoint not in ENDPOINTS:
            raise ValueError(f"{endpoint!r} is none of {', '.join(ENDPOINTS)}")
        self._script.setdefault(endpoint, deque()).extend((fault, times) for fault in faults)

    def clear_script(self) -> None:
        """Be honest again."""
        self._script.clear()

    def forget(self, run: ScriptedRun) -> None:
        """Deny knowing this run from now on."""
        run.is_forgotten = True

    def count(self, endpoint: str) -> int:
        """How many requests this endpoint has had."""
        return sum(1 for request in self.requests if endpoint_of(request)[0] == endpoint)

    async def run_created(self, number: int = 1, *, timeout_s: float = 5.0) -> ScriptedRun:
        """Wait until the `number`-th run has been created and return it."""
        async with asyncio.timeout(timeout_s), self._new_run:
            await self._new_run.wait_for(lambda: len(self.created) >= number)
        return self.created[number - 1]

    async def requested(self, endpoint: str, number: int = 1, *, timeout_s: float = 5.0) -> None:
        """Wait until an endpoint has had `number` requests."""
        async with asyncio.timeout(timeout_s), self._new_run:
            await self._new_run.wait_for(lambda: self.count(endpoint) >= number)

    # What a server with a plan of its own overrides.

    def choose_fault(self, endpoint: str, ids: Sequence[str], request: Request) -> Fault:
        """What goes wrong with this request: here the next of the script, whichever run it is about."""
        return self._next_fault(endpoint)

    def begin(self, run: ScriptedRun) -> None:
        """A run has just been created: here it begins at once and ends after `run_s`."""
        run.start()
        if self.run_s == 0:
            run.finish(self.result(run.payload))
        elif self.run_s is not None:
            self.in_background(self._finish_later(run, self.run_s))

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that goes on until it is done or the server is gone for good."""
        timer = asyncio.create_task(work)
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    # Connections

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections_accepted += 1
        try:
            while (request := await read_request(reader)) is not None:
                async with self._new_run:
                    self.requests.append(request)
                    self._new_run.notify_all()
                if not await self._answer(request, reader, writer):
                    break
        except (Broken, ConnectionError, asyncio.CancelledError):
            pass  # cut as scripted, by the client, or by stop(): the task ends here either way
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    def _next_fault(self, endpoint: str) -> Fault:
        queue = self._script.get(endpoint)
        if not queue:
            return Fault()
        fault, times = queue.popleft()
        if times is None or times > 1:
            queue.appendleft((fault, None if times is None else times - 1))
        return fault

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed afterwards."""
        endpoint, ids = endpoint_of(request)
        fault = self.choose_fault(endpoint, ids, request)
        wire = Wire(writer, fault)
        if fault.forget and len(ids) > 1 and (known := self.find(*ids)):
            self.forget(known)
        run: ScriptedRun | None = None
        refused = self._route_missing(endpoint, ids)
        if endpoint in ("wait", "create") and fault.lets_create and not refused:
            made = await self._create(request, ids)
            run, refused = (made, None) if isinstance(made, ScriptedRun) else (None, made)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.cut_before_headers:
            await wire.break_off()
        if fault.status is not None:
            body = fault.body if fault.body is not None else _detail(fault.detail)
            await self._reply(wire, fault.status, body)
        elif refused:
            await self._reply(wire, refused[0], _detail(refused[1]))
        elif endpoint == "create" and run:
            await self._reply(wire, 200, json.dumps(run.as_json(self.manner)).encode())
        elif endpoint == "wait" and run:
            await self._stream(wire, fault, run, reader, is_wait=True)
        elif endpoint == "join":
            await self._stream(wire, fault, self.find(*ids), reader, is_wait=False)
        else:
            status, value, headers = answer_at_once(self, endpoint, ids, request)
            body = fault.body if fault.body is not None else (b"" if status == 204 else json.dumps(value).encode())
            await self._reply(wire, status, body, headers)
        return not (fault.close or request.headers.get("connection", "").lower() == "close")

    def _route_missing(self, endpoint: str, ids: list[str]) -> tuple[int, str] | None:
        has = self.manner.has_wait if ids else self.manner.has_stateless_wait
        return (404, "Not Found") if endpoint == "wait" and not has else None

    async def _reply(self, wire: Wire, status: int, body: bytes, headers: dict[str, str | None] | None = None) -> None:
        await wire.head(status, headers or {}, len(body))
        await wire.send(body)

    async def _stream(
        self, wire: Wire, fault: Fault, run: ScriptedRun | None, reader: asyncio.StreamReader, *, is_wait: bool
    ) -> None:
        """`wait` and `join`: headers at once, heartbeats while it runs, then the document."""
        headers: dict[str, str | None] = {}
        manner = self.manner
        if run is not None and is_wait and manner.tells_ids:
            here = f"{fault.elsewhere}/threads/{run.thread_id}/runs/{run.run_id}"
            headers = {"location": f"{here}/join", "content-location": here}
        has_limit = run is not None and not is_wait and manner.join_limit_s is not None
        limit_s = (asyncio.get_running_loop().time() + (manner.join_limit_s or 0.0)) if has_limit else float("inf")
        if manner.heads_first:
            await wire.head(200, headers, None)
        if fault.cut_after_headers:
            await wire.break_off()
        beats = 0
        while True:
            if beats == fault.cut_after_beats:
                await wire.break_off()
            if beats == fault.end_after_beats:
                if fault.body:
                    await wire.chunk(fault.body)
                await wire.end()
                return
            is_waiting_for_beats = fault.cut_after_beats is not None or fault.end_after_beats is not None
            if run is None or (run.over.is_set() and not is_waiting_for_beats):
                break
            if asyncio.get_running_loop().time() >= limit_s:
                break
            if reader.at_eof():
                self._hung_up(run, is_wait=is_wait)
                raise Broken
            if run.over.is_set():
                await asyncio.sleep(self.heartbeat_s)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(run.over.wait(), self.heartbeat_s)
                    continue
            try:
                if manner.beats:
                    await wire.chunk(b"\n")
            except ConnectionError:  # a client that ends may also reset the line
                self._hung_up(run, is_wait=is_wait)
                raise
            beats += 1
        if not manner.heads_first:
            await wire.head(200, headers, None)
        document = fault.body if fault.body is not None else self._document(run, is_wait=is_wait)
        if fault.cut_in_document is not None:
            await wire.send(b"%x\r\n" % len(document) + document[: fault.cut_in_document])
            await wire.break_off()
        if fault.end_in_document is not None:
            document = document[: fault.end_in_document]
        await wire.chunk(document)
        await wire.end()

    @staticmethod
    def _hung_up(run: ScriptedRun, *, is_wait: bool) -> None:
        if is_wait and run.payload.get("on_disconnect") == "cancel":
            run.cancel()

    def _document(self, run: ScriptedRun | None, *, is_wait: bool) -> bytes:
        if run is None:
            return b'{"__error__":{"error":"HTTPException","message":"404: Run not found"}}'
        if not run.over.is_set() or (self.manner.empty_when_failed and run.status == "error"):
            return b"{}"
        if is_wait or self.manner.joins_own_output:
            assert run.document is not None
            return run.document
        return run.joined_document()

    # Runs and threads

    def find(self, thread_id: str, run_id: str) -> ScriptedRun | None:
        """The run, unless it is unknown or forgotten."""
        run = self._runs.get(run_id)
        return run if run is not None and run.thread_id == thread_id and not run.is_forgotten else None

    async def _create(self, request: Request, ids: list[str]) -> ScriptedRun | tuple[int, str]:
        payload = request.json or {}
        assistant = str(payload.get("assistant_id"))
        if self.graphs is not None and assistant not in [*self.graphs, *map(assistant_uuid, self.graphs)]:
            return 422, f"Invalid assistant: '{assistant}'. Must be either: a graph name or an assistant UUID."
        if ids:
            thread_id = ids[0]
            try:
                uuid.UUID(thread_id)
            except ValueError:
                return 400, f"Invalid thread ID: {thread_id}"
            if thread_id not in self.threads:
                if payload.get("if_not_exists") != "create":
                    return 404, f"Thread with ID {thread_id} not found"
                self.threads[thread_id] = ScriptedThread(thread_id)
        else:
            thread_id = str(uuid.uuid4())
            copied = payload.get("metadata") or {} if self.copies_metadata else {}
            self.threads[thread_id] = ScriptedThread(thread_id, metadata=dict(copied))
        thread = self.threads[thread_id]
        if thread.status == "busy" and payload.get("multitask_strategy") == "reject":
            return 409, "Thread is already running a task."
        run = ScriptedRun(str(uuid.uuid4()), thread, assistant, payload, is_stateless=not ids)
        self._runs[run.run_id] = run
        async with self._new_run:
            self.created.append(run)
            self._new_run.notify_all()
        self.begin(run)
        return run

    async def _finish_later(self, run: ScriptedRun, run_s: float) -> None:
        await asyncio.sleep(run_s)
        run.finish(self.result(run.payload))


def _detail(sentence: str | None) -> bytes:
    return b"" if sentence is None else json.dumps({"detail": sentence}).encode()

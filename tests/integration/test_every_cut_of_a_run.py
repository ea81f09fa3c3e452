"""For every byte of every answer that a run needs: cut there, it ends right in the database, created once, no hang.

tests/unit/langgraph/test_every_cut.py does the same for the client alone. Here each run has cuts of its own: in the
answer to its wait, to the join that follows, to the questions how it ended. All of them go through one worker at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.statuses import ENDS
from tests.asynchronous import eventually, in_db, working
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import Fault, ScriptedRun, ScriptedServer
from tests.scripted_server.wire import Request

pytestmark = [pytest.mark.django_db(transaction=True)]

DEADLINE_S = 120.0
CUT = ("wait", "join", "run", "state", "history", "runs")
KINDS = ("finish", "fail", "interrupt", "pause")
STATUS = {"finish": "succeeded", "fail": "failed", "interrupt": "needs_input", "pause": "paused"}
HOW: dict[str, dict[str, Any]] = {"FIN": {}, "RST": {"reset": True}, "silence": {"hang": True}}


@dataclass(frozen=True)
class Plan:
    """One run: how it ends, and at which byte the first answer of each endpoint is cut.

    `is_followed`: another run has used the thread by the time we ask, so that a join brings that one's values.
    `is_unlisted`: the thread's list of runs does not tell of it, so that the run is asked for by itself, and the thread
    for the graph by which it tells its states.
    """

    cuts: Mapping[str, int]
    how: str = "FIN"
    kind: str = "finish"
    is_followed: bool = False
    is_unlisted: bool = False


class CuttingServer(ScriptedServer):
    """Plays the plan that stands in a run's input, each cut once."""

    def __init__(self, plans: Sequence[Plan] = ()) -> None:
        super().__init__(heartbeat_s=0.01, run_s=0.0)
        self.plans = plans
        self._played: set[tuple[str, str]] = set()
        self._by_thread: dict[str, ScriptedRun] = {}

    def choose_fault(self, endpoint: str, ids: Sequence[str], request: Request) -> Fault:
        if endpoint == "threads_search":
            ids = request.json.get("ids") or []
        if endpoint == "wait":
            payload = request.json
        elif ids and ids[0] in self._by_thread:
            payload = self._by_thread[ids[0]].payload
        else:
            return Fault()
        ours, plan = payload["metadata"]["runboard_run_id"], self.plan(payload)
        if endpoint == "runs" and plan.is_unlisted:
            return Fault(body=b"[]")
        if endpoint not in plan.cuts or (ours, endpoint) in self._played:
            return Fault()
        self._played.add((ours, endpoint))
        return Fault(cut_at=plan.cuts[endpoint], **HOW[plan.how])

    def begin(self, run: ScriptedRun) -> None:
        run.start()
        self._by_thread[run.thread_id] = run
        number, plan = run.payload["input"]["number"], self.plan(run.payload)
        if plan.kind == "finish":
            run.finish({"number": number})
        elif plan.kind == "fail":
            run.fail("ValueError", f"number {number}")
        elif plan.kind == "interrupt":
            run.interrupt({"number": number}, values={"number": number})
        else:
            run.pause({"number": number}, next=["review"])
        if plan.is_followed:
            run.thread.last_run_id = "of the run that followed"
            run.thread.values, run.thread.next, run.thread.interrupts = {"number": "another"}, [], []

    def plan(self, payload: Mapping[str, Any]) -> Plan:
        return self.plans[payload["input"]["number"]]


async def lengths() -> dict[str, int]:
    """How long the answers are, status line and headers included, with room for a number of more digits."""
    async with CuttingServer([Plan({})]) as server:
        payload = {"assistant_id": "chat", "if_not_exists": "create", "input": {"number": 0}}
        payload["metadata"] = {"runboard_run_id": "0" * 36}
        thread = "6f3b9a52-9a30-4e0c-a0cf-4d6e1ad1a111"
        found = {"wait": await exchanged(server, "POST", f"/threads/{thread}/runs/wait", payload)}
        here = f"/threads/{thread}/runs/{server.created[0].run_id}"
        found["join"] = await exchanged(server, "GET", f"{here}/join")
        found["run"] = await exchanged(server, "GET", here)
        found["runs"] = await exchanged(server, "GET", f"/threads/{thread}/runs")
        found["state"] = await exchanged(server, "GET", f"/threads/{thread}/state")
        found["history"] = await exchanged(server, "POST", f"/threads/{thread}/history", {})
        found["threads_search"] = await exchanged(server, "POST", "/threads/search", {"ids": [thread], "limit": 1})
    return {endpoint: len(answer) + 6 for endpoint, answer in found.items()}


async def exchanged(server: ScriptedServer, method: str, path: str, document: Any = None) -> bytes:
    """A whole answer as bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
    body = json.dumps(document).encode() if document is not None else b""
    writer.write(
        f"{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def played(plans: Sequence[Plan], thread: ThreadChoice = ThreadChoice.NEW) -> Iterator[tuple[Plan, Run, int]]:
    """Each plan with the run it ended as, and how many runs its launch created on the server."""
    async with CuttingServer(plans) as server:
        await in_db(launch_all, server.url, len(plans), thread)
        async with working(concurrency=200):
            await eventually(all_ended, "every run has ended", deadline_s=DEADLINE_S)
        runs = await in_db(lambda: list(Run.objects.select_related("result", "request").order_by("name")))
        await in_db(lambda: Run.objects.all().delete())
    created = [run.payload["metadata"]["runboard_run_id"] for run in server.created]
    return ((plans[int(run.name)], run, created.count(str(run.pk))) for run in runs)


def launch_all(url: str, count: int, thread: ThreadChoice) -> None:
    team = make_team()
    by, server = make_user(team), make_server(team, url=url)
    for number in range(count):
        params = {"input": {"number": number}}
        make_run(team=team, by=by, server=server, thread=thread, name=f"{number:05}", params=params)


async def all_ended() -> bool:
    return not await in_db(Run.objects.exclude(status__in=sorted(ENDS)).exists)


def is_right(plan: Plan, run: Run) -> bool:
    """Whether status, final state, error and question are this run's own."""
    number = int(run.name)
    if run.status != STATUS[plan.kind]:
        return False
    if plan.kind == "fail":
        return (run.error_type, run.error_message) == ("ValueError", f"number {number}")
    if plan.kind == "interrupt":
        asked = [each["value"] for each in run.ending["interrupts"]]
        return asked == [{"number": number}]
    return bool(json.loads(run.result.body) == {"number": number})


EVERY_BYTE = pytest.param(1, marks=pytest.mark.slow, id="every byte")
EVERY_19TH_BYTE = pytest.param(19, id="every 19th byte")
strides = pytest.mark.parametrize("stride", [EVERY_19TH_BYTE, EVERY_BYTE])


@strides
@pytest.mark.parametrize("how", ["FIN", "RST"])
async def test_a_cut_at_any_byte_of_every_answer_ends_right(how: str, stride: int) -> None:
    sizes = await lengths()
    # The history is asked only about a run that was followed by another; some are alone on their thread as well.
    plans = [
        Plan({endpoint: position % size + 1 for endpoint, size in sizes.items()}, how, is_followed=is_followed)
        for position in range(0, max(sizes[endpoint] for endpoint in CUT), stride)
        for is_followed in ([True, False] if position % 7 == 0 else [True])
    ]

    for plan, run, created in await played(plans):
        assert created == 1, plan
        assert is_right(plan, run), (plan, run.status, run.error_message)


@strides
@pytest.mark.parametrize("how", ["FIN", "RST"])
async def test_a_cut_at_any_byte_of_what_is_asked_of_an_unlisted_run_ends_right(how: str, stride: int) -> None:
    sizes = await lengths()
    asked = ("run", "threads_search")
    plans = [
        Plan({endpoint: position % sizes[endpoint] + 1 for endpoint in asked}, how, is_unlisted=True)
        for position in range(0, max(sizes[endpoint] for endpoint in asked), stride)
    ]

    for plan, run, created in await played(plans):
        assert created == 1, plan
        assert is_right(plan, run), (plan, run.status, run.error_message)


async def test_silence_at_any_byte_is_noticed() -> None:
    sizes = await lengths()
    plans = [
        Plan({endpoint: at % sizes[endpoint] + 1}, "silence", is_followed=endpoint == "history")
        for at, endpoint in zip(range(7, 10_000, 61), itertools.islice(itertools.cycle(CUT), 90), strict=False)
    ]

    for plan, run, created in await played(plans):
        assert created == 1, plan
        assert is_right(plan, run), (plan, run.status, run.error_message)


@strides
@pytest.mark.parametrize("how", ["FIN", "RST"])
async def test_a_stateless_run_is_lost_only_where_nobody_can_know(how: str, stride: int) -> None:
    sizes = await lengths()
    plans = [Plan({"wait": position}, how) for position in range(1, sizes["wait"] + 1, stride)]
    async with CuttingServer([Plan({})]) as server:
        payload = {"assistant_id": "chat", "input": {"number": 0}, "metadata": {"runboard_run_id": "0" * 36}}
        headers_end = (await exchanged(server, "POST", "/runs/wait", payload)).index(b"\r\n\r\n") + 4

    for plan, run, created in await played(plans, ThreadChoice.STATELESS):
        assert created == 1, plan
        if plan.cuts["wait"] < headers_end:
            assert (run.status, "may or may not have run" in run.error_message) == ("lost", True), plan
        else:
            # A reset may throw away headers that had arrived.
            assert is_right(plan, run) or (how == "RST" and run.status == "lost"), (plan, run.status)


PLANS = st.lists(
    st.builds(
        Plan,
        cuts=st.dictionaries(st.sampled_from(CUT), st.integers(1, 900), max_size=4),
        how=st.sampled_from(["FIN", "RST"]),
        kind=st.sampled_from(KINDS),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLANS)
async def test_any_cuts_in_any_answers_end_right(plans: list[Plan]) -> None:
    for plan, run, created in await played(plans):
        assert created == 1, plan
        assert is_right(plan, run), (plan, run.status, run.error_message)

"""The worker against a real Aegra 0.6: no heartbeats, headers only at the end, no metadata, no stateless runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboard.local.postgres import EmbeddedPostgres
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.services import run_cancel
from dashboard.runs.statuses import ENDS
from dashboard.teams.models import User
from tests.asynchronous import eventually, in_db, kinds, run_in, working
from tests.contract.aegra import aegra
from tests.factories import make_run, make_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("coroutine_connections"),
]

SILENCE_S = 3
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def aegra_url(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with aegra(tmp_path_factory.mktemp("aegra"), postgres.url) as url:
        yield url


async def launch(person: User, url: str, graph_input: dict[str, Any], **order: Any) -> Run:
    ours = await in_db(lambda: make_server(person.teams.get(), url=url))
    ours.timeout_s = SILENCE_S
    await in_db(ours.save)
    params = {"input": graph_input, **order.pop("params", {})}
    return await in_db(lambda: make_run(by=person, server=ours, assistant_id="work", params=params, **order))


def created_on(url: str, thread_id: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{url}/threads/{thread_id}/runs", params={"limit": 100}).json())


@pytest.mark.parametrize(
    ("graph_input", "status"),
    [
        ({"topic": "tides"}, "succeeded"),
        ({"topic": "tides", "seconds": SILENCE_S * 2}, "succeeded"),
        ({"act": "fail"}, "failed"),
        ({"act": "fail", "seconds": SILENCE_S + 1}, "failed"),
        ({"act": "ask"}, "needs_input"),
        ({"act": "ask nothing"}, "needs_input"),
    ],
)
async def test_each_ending_is_stored_as_it_was_and_created_once(
    person: User, aegra_url: str, graph_input: dict[str, Any], status: str
) -> None:
    async with working():
        run = await launch(person, aegra_url, graph_input)
        ended = await run_in(run, *ENDS, deadline_s=WITHIN_S)

    assert ended.status == status, ended.error_message
    assert ended.remote_thread_id is not None
    assert [each["run_id"] for each in created_on(aegra_url, ended.remote_thread_id)] == [ended.remote_run_id]
    assert "connection_lost" not in await in_db(kinds, ended)
    if status == "failed":
        assert (ended.error_type, ended.error_message, ended.error_node) == ("ValueError", "no tides", "work")


async def test_a_cancel_reaches_a_run_that_its_server_has_not_answered_yet(person: User, aegra_url: str) -> None:
    async with working():
        run = await launch(person, aegra_url, {"seconds": 40})
        named = Run.objects.filter(pk=run.pk, remote_run_id__isnull=False)
        await eventually(lambda: in_db(named.exists), "the run is named", deadline_s=WITHIN_S)
        await in_db(lambda: run_cancel(run=run, by=person, action="rollback"))
        ended = await run_in(run, *ENDS, deadline_s=WITHIN_S)

    assert ended.status == "cancelled"


async def test_a_stateless_run_works_without_stateless_runs(person: User, aegra_url: str) -> None:
    async with working():
        run = await launch(person, aegra_url, {"topic": "tides"}, thread=ThreadChoice.STATELESS)
        ended = await run_in(run, *ENDS, deadline_s=WITHIN_S)
        assert ended.status == "succeeded", ended.error_message
        assert json.loads(ended.result.body)["answer"] == "about tides"

        async def is_gone() -> bool:
            found = await asyncio.to_thread(httpx.get, f"{aegra_url}/threads/{ended.remote_thread_id}")
            return found.status_code == 404

        await eventually(is_gone, "its thread is deleted")


async def test_overlapping_runs_of_one_thread_keep_their_own_results(person: User, aegra_url: str) -> None:
    async with working():
        first = await launch(person, aegra_url, {"topic": "one", "seconds": 5})
        named = Run.objects.filter(pk=first.pk, remote_run_id__isnull=False)
        await eventually(lambda: in_db(named.exists), "the first is named", deadline_s=WITHIN_S)
        place = {"thread": ThreadChoice.EXISTING, "thread_id": first.remote_thread_id}
        second = await in_db(
            lambda: make_run(
                by=person, server=first.server, assistant_id="work", params={"input": {"topic": "two"}}, **place
            )
        )
        ended = [await run_in(run, *ENDS, deadline_s=WITHIN_S) for run in (first, second)]

    assert [run.status for run in ended] == ["succeeded", "succeeded"], [run.error_message for run in ended]
    assert len(created_on(aegra_url, str(ended[0].remote_thread_id))) == 2
    assert len({run.remote_run_id for run in ended}) == 2

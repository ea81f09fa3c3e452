"""The steps of runs on the real server match what ran: a loop, branches, a subgraph, a failure, waits, a resumption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.runs.models import Run
from dashboard.servers.models import Server
from dashboard.steps.models import LiveText, RunCheckpoint, Step, StepLog
from dashboard.steps.selectors import steps_document
from dashboard.steps.services import runs_watch
from dashboard.teams.models import User
from tests.asynchronous import eventually, in_db, run_in, working
from tests.contract.langgraph_dev import SAMPLES, LangGraphDev
from tests.contract.test_real_runs import ENDED, ended, launch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("coroutine_connections")]

STAGES = Path(__file__).parent / "graphs" / "stages.py"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LangGraphDev]:
    """The real server on the sample graphs, and on one that fails in the third of its five steps."""
    folder = tmp_path_factory.mktemp("graphs") / "graphs"
    shutil.copytree(SAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(STAGES, folder / "stages.py")
    config = json.loads((folder / "langgraph.json").read_text())
    config["graphs"]["stages"] = "./stages.py:graph"
    (folder / "langgraph.json").write_text(json.dumps(config))
    with LangGraphDev(folder) as server:
        yield server


async def steps_of(run: Run) -> dict[str, Any]:
    """The run's `steps.json` once its steps have been read."""

    async def look() -> dict[str, Any] | None:
        log = await in_db(StepLog.objects.filter(pk=run.pk, state="read").exists)
        if not log:
            return None
        fresh = await in_db(Run.objects.select_related("request").get, pk=run.pk)
        return await in_db(steps_document, fresh)

    return await eventually(look, "the steps are read")


def brief(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [("/".join(step["path"]), step["node"], step["status"]) for step in document["steps"]]


async def test_loop_branches_and_subgraph(server: Server, person: User) -> None:
    async with working():
        run = await ended(server, person, assistant_id="survey", input='{"place": "Quay", "seconds": 0.1}')
        found = await steps_of(run)

    assert found["complete"], found["why"]
    measure = [("", "measure", "done"), ("measure", "sample", "done"), ("measure", "check", "done")]
    branches = {("", "read_tides", "done"), ("", "read_winds", "done")}
    steps = brief(found)
    assert steps[0] == ("", "plan", "done")
    assert set(steps[1:3]) == branches
    assert steps[3:] == [*measure, ("", "judge", "done"), *measure, ("", "judge", "done"), ("", "summarize", "done")]
    assert [step["index"] for step in found["steps"]] == list(range(12))
    assert {step["attempt"] for step in found["steps"]} == {1}
    plan = found["steps"][0]
    assert plan["writes"] == {"route": ["north pier", "basin", "south pier"]}
    assert plan["duration_ms"] >= 100
    tides, winds = (next(s for s in found["steps"] if s["node"] == node) for node in ("read_tides", "read_winds"))
    assert tides["started_at"] == winds["started_at"]
    assert found["steps"][4]["writes"]["samples"] == [3.0, 3.04, 2.98]


async def test_a_failure_in_the_third_of_five_steps(server: Server, person: User) -> None:
    async with working():
        run = await ended(server, person, assistant_id="stages", input='{"fails": true}')
        found = await steps_of(run)
        step = await in_db(Step.objects.get, run=run, node="third")
        given = await in_db(RunCheckpoint.objects.get, run=run, checkpoint_id=step.checkpoint_id)
        forked = await ended(
            server,
            person,
            assistant_id="stages",
            thread="existing",
            thread_id=str(run.remote_thread_id),
            checkpoint_id=step.checkpoint_id,
        )
        again = await steps_of(forked)

    assert json.loads(given.body) == {"fails": True, "seen": ["first", "second"]}
    assert given.next_nodes == ["third"]
    assert brief(again) == [("", "third", "failed")]

    assert brief(found) == [("", "first", "done"), ("", "second", "done"), ("", "third", "failed")]
    failed = found["steps"][2]
    assert "the third stage is broken" in failed["error"]
    assert failed["writes"] is None
    assert failed["duration_ms"] >= 40


async def test_a_question_waits_and_its_answer_takes_the_step(server: Server, person: User) -> None:
    async with working():
        asked = await ended(server, person, assistant_id="approval", input='{"request": "a boat", "amount": 3}')
        waiting = await steps_of(asked)
        answered = await ended(
            server,
            person,
            assistant_id="approval",
            thread="existing",
            thread_id=str(asked.remote_thread_id),
            command='{"resume": "yes"}',
        )
        done = await steps_of(answered)

    assert brief(waiting) == [("", "ask", "waiting")]
    assert waiting["steps"][0]["finished_at"] is None
    assert brief(done) == [("", "ask", "done"), ("", "record", "done")]
    assert done["steps"][0]["writes"]["decision"] == "approved"


async def test_a_breakpoint_has_no_step_that_was_not_begun(server: Server, person: User) -> None:
    async with working():
        paused = await ended(
            server, person, assistant_id="report", input='{"topic": "x", "seconds": 0}', interrupt_before="write"
        )
        before = await steps_of(paused)
        gone_on = await ended(
            server, person, assistant_id="report", thread="existing", thread_id=str(paused.remote_thread_id)
        )
        after = await steps_of(gone_on)

    assert brief(before) == [("", "plan", "done")]
    assert brief(after) == [("", "write", "done"), ("", "review", "done")]


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"durability": "exit"}, "durability"), ({"thread": "stateless"}, "stateless")],
)
async def test_why_there_are_no_steps(server: Server, person: User, fields: dict[str, str], why: str) -> None:
    async with working():
        run = await ended(server, person, assistant_id="report", input='{"topic": "x", "seconds": 0}', **fields)
        fresh = await in_db(Run.objects.select_related("request").get, pk=run.pk)
        found = await in_db(steps_document, fresh)

    assert found["steps"] == []
    assert not found["complete"]
    assert why in found["why"]


async def test_a_watched_run_shows_steps_and_words_and_an_unwatched_one_nothing(server: Server, person: User) -> None:
    fields = {"assistant_id": "writer", "input": '{"topic": "Tides", "words_per_second": 20}'}
    seen: list[str] = []
    async with working():
        watched, alone = [await in_db(launch, server, person, **fields) for _ in range(2)]
        await run_in(watched, "running")

        async def look() -> bool:
            await in_db(runs_watch, run_ids=[watched.pk])
            text = await in_db(LiveText.objects.filter(run=watched).first)
            entries = text.entries if text else []
            seen.extend(entry["text"] for entry in entries if entry["node"] == "draft")
            return len(set(seen)) >= 5

        await eventually(look, "words arrive", deadline_s=30)
        steps = await in_db(lambda: list(Step.objects.filter(run=watched).values_list("node", "status")))
        nothing = await in_db(
            lambda: (Step.objects.filter(run=alone).exists(), LiveText.objects.filter(run=alone).exists())
        )
        done = await run_in(watched, *ENDED, deadline_s=30)
        whole = await steps_of(done)
        await run_in(alone, *ENDED, deadline_s=30)
        found = await steps_of(alone)

    written = json.loads(done.result.body)["messages"][1]["content"]
    assert steps == [("plan", "done"), ("draft", "running")]
    assert nothing == (False, False)
    assert all(written.startswith(words) for words in seen)
    assert brief(whole) == brief(found) == [("", node, "done") for node in ("plan", "draft", "summarize")]
    log = await in_db(StepLog.objects.get, pk=watched.pk)
    assert log.tokens["typist-1"]["answers"] == 2

"""Whatever a server sends as a final state: stored and given back byte for byte, shown, found, and harmless to others.

Each goes the whole way: server, worker, Postgres, pages. test_hostile_states.py has more shapes, as rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from django.test import AsyncClient, Client

from dashboard.history.filters import RunFilters
from dashboard.history.selectors import run_list
from dashboard.langgraph import join
from dashboard.langgraph.join import Backoff
from dashboard.runs.models import Run
from dashboard.sharing.services import share_create
from dashboard.teams.models import User
from tests.asynchronous import in_db, run_in, working
from tests.documents import DOCUMENTS, NO_DOCUMENTS, RTL, SCRIPT, UNSEEN
from tests.factories import make_run, make_server, make_team, make_user
from tests.scripted_server import ScriptedServer, VerbatimServer

HALF_PAIR = re.compile("[\ud800-\udfff]")

TAKES_LONG = {"a million short keys"}

pytestmark = pytest.mark.django_db(transaction=True)

ENDED = ("succeeded", "failed", "lost", "cancelled", "needs_input", "paused", "timed_out")


class Reader:
    """Somebody of the run's team who looks everywhere, as a browser and as a program."""

    def __init__(self, run: Run, by: User) -> None:
        self.run = run
        self.client = Client()
        self.client.force_login(by)
        self.share = share_create(run=run, by=by, lifetime=None)[1]

    def get(self, path: str, client: Client | None = None) -> bytes:
        response = (client or self.client).get(path)
        assert response.status_code == 200, path
        body: bytes = b"".join(response) if response.streaming else response.content
        if "Content-Length" in response.headers:
            assert response.headers["Content-Length"] == str(len(body))
        if path.endswith("result.json") and client is None:
            assert response.headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
        return body

    def look_everywhere(self) -> dict[str, str]:
        """Every page that has something of this run, as text; each was answered."""
        run, stranger = self.run, Client()
        paths = [f"/runs/{run.pk}/", f"/runs/{run.pk}/live/", "/runs/", "/runs/?q=chat", f"/launch/?from={run.pk}"]
        pages = {path: self.get(path).decode() for path in paths}
        pages |= {path: self.get(path, stranger).decode() for path in (f"/s/{self.share}/", f"/s/{self.share}/live/")}
        return pages


def reader_of(run: Run) -> Reader:
    return Reader(run, make_user(run.team))


def is_harmless(page: str) -> bool:
    """Whether nothing that came from a server would be executed."""
    found = _Executed()
    found.feed(page)
    return not found.executed


class _Executed(HTMLParser):
    """What a browser would execute of what a test sent."""

    def __init__(self) -> None:
        super().__init__()
        self.executed: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.executed += [
            (tag, *each) for each in attrs if each[0].startswith("on") or "javascript:" in (each[1] or "")
        ]
        if tag == "img":
            self.executed.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "alert(" in data:
            self.executed.append(data)


async def launch(server: ScriptedServer, **order: Any) -> tuple[Run, Run, User]:
    """The run that gets it, a neighbour on the same server, and who launched both."""
    team = await in_db(make_team)
    by = await in_db(make_user, team)
    ours = await in_db(make_server, team, url=server.url)
    order = {"params": {"input": {"kind": "hostile"}}, **order}
    run = await in_db(make_run, team=team, by=by, server=ours, **order)
    return run, await in_db(make_run, team=team, by=by, server=ours, params={"input": {"kind": "plain"}}), by


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(body, id=name, marks=[pytest.mark.slow] if name in TAKES_LONG else [])
        for name, body in DOCUMENTS.items()
    ],
)
async def test_a_final_state_comes_back_byte_for_byte_and_is_shown(body: bytes) -> None:
    documents = {"hostile": body, "plain": b'{"plain":1}'}
    async with VerbatimServer(lambda payload: documents[payload["input"]["kind"]]) as server, working():
        run, neighbour, by = await launch(server)
        run = await run_in(run, *ENDED, deadline_s=60)
        neighbour = await run_in(neighbour, *ENDED)

    assert (run.status, neighbour.status, len(server.created)) == ("succeeded", "succeeded", 2)
    reader = await in_db(Reader, run, by)
    stored = await in_db(reader.get, f"/runs/{run.pk}/result.json")
    shared = await in_db(reader.get, f"/s/{reader.share}/result.json", Client())
    assert stored == shared == body.strip()
    pages = await in_db(reader.look_everywhere)
    page = pages[f"/runs/{run.pk}/"]
    assert all(is_harmless(each) for each in pages.values())
    assert hashlib.sha256(stored).hexdigest() in page
    assert max(map(len, pages.values())) < 2_000_000
    document = await in_db(reader.get, f"/runs/{run.pk}.json")
    if len(stored) <= 1_000_000:
        assert document.endswith(b',"final_state":' + stored + b"}")
    else:
        assert "final_state" not in json.loads(document)
    assert await in_db(run_list(run.team_id, RunFilters(text="hostile")).count) == 1


@pytest.mark.parametrize("body", NO_DOCUMENTS.values(), ids=NO_DOCUMENTS.keys())
async def test_what_is_no_answer_is_replaced_by_the_state_the_run_left(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("dashboard.langgraph.client.Backoff", lambda: Backoff(0.01, 0.01))
    documents = {"hostile": body, "plain": b'{"plain":1}'}
    values = {"hostile": b'{"left": 1.0}', "plain": b'{"plain":1}'}
    server = VerbatimServer(lambda payload: documents[payload["input"]["kind"]])
    server.values = lambda payload: values[payload["input"]["kind"]]
    async with server, working():
        run, neighbour, _ = await launch(server)
        run = await run_in(run, *ENDED, deadline_s=30)
        neighbour = await run_in(neighbour, *ENDED)

    assert (run.status, neighbour.status, len(server.created)) == ("succeeded", "succeeded", 2)
    assert run.result.body == b'{"left": 1.0}'
    assert server.count("join") >= join.USELESS_ANSWERS_MAX


HOSTILE_TEXTS = {
    "NUL": "a\x00b",
    "surrogate": "a\ud800b",
    "script": SCRIPT,
    "right to left": RTL,
    "unseen": UNSEEN,
    "a long word": "w" * 300_000,
    "a long text": "words and more " * 30_000,
    "quotes": "'\"\\ :* & | ! <-> %s {} \\' $$",
}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
async def test_errors_questions_and_nodes_of_any_text_are_reported(scripted: ScriptedServer, text: str) -> None:
    async with working():
        failed, asking, _ = await launch(scripted)
        paused, _, _ = await launch(scripted)
        for number in range(4):
            remote = await scripted.run_created(number + 1)
        for remote in scripted.created:
            ours = remote.payload["metadata"]["runboard_run_id"]
            if ours == str(failed.pk):
                remote.fail(text, f"flounder {text}", node=text)
            elif ours == str(asking.pk):
                remote.interrupt({"question": f"flounder {text}", text: text}, node=text)
            elif ours == str(paused.pk):
                remote.pause({text: text}, next=[text, text])
            else:
                remote.finish({})
        failed = await run_in(failed, *ENDED)
        asking = await run_in(asking, *ENDED)
        paused = await run_in(paused, *ENDED)

    assert (failed.status, asking.status, paused.status) == ("failed", "needs_input", "paused")
    for run in (failed, asking, paused):
        reader = await in_db(reader_of, run)
        pages = await in_db(reader.look_everywhere)
        assert all(is_harmless(page) for page in pages.values())
        json.loads(await in_db(reader.get, f"/runs/{run.pk}.json"))
    found = await in_db(list, run_list(failed.team_id, RunFilters(text="flounder")))
    assert {run.pk for run in found} == {failed.pk, asking.pk}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
async def test_an_input_of_any_text_is_launched_sent_found_and_shown(text: str) -> None:
    async with VerbatimServer(lambda payload: json.dumps(payload["input"]).encode()) as server:
        team = await in_db(make_team)
        by = await in_db(make_user, team)
        await in_db(make_server, team, url=server.url)
        client = AsyncClient()
        await client.aforce_login(by)
        sent = {"first": "flounder", "text": text, text[:50]: [text[:50]]}
        form = {"assistant_id": "chat", "input": json.dumps(sent)}
        response = await client.post("/launch/", form)
        if HALF_PAIR.search(text):  # no server can read it, so it is refused with its place
            assert response.status_code == 422
            assert "half of a surrogate pair" in response.content.decode()
            return
        assert response.status_code == 303
        run = await in_db(Run.objects.get, team=team)
        async with working():
            run = await run_in(run, *ENDED)

    assert run.status == "succeeded"
    assert server.created[0].payload["input"] == sent
    reader = await in_db(Reader, run, by)
    assert all(is_harmless(page) for page in (await in_db(reader.look_everywhere)).values())
    assert [found.pk for found in await in_db(list, run_list(team, RunFilters(text="flounder")))] == [run.pk]
    await in_db(reader.get, "/runs/?q=" + quote(text[:3000].encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("name", [UNSEEN, RTL, SCRIPT, "\u200b"])
async def test_a_name_nobody_can_see_or_that_turns_the_line_is_harmless(name: str) -> None:
    team = await in_db(make_team)
    by = await in_db(make_user, team, username=f"ann{name}")
    run = await in_db(make_run, team=team, by=by, name=name, tags=[name], assistant_id=f"chat{name}")
    reader = await in_db(reader_of, run)
    pages = await in_db(reader.look_everywhere)

    row = re.search(r'<a class="run-link"[^>]* dir="auto">(.*?)</a>', pages["/runs/"])
    assert row is not None
    assert any(letter.isalnum() for letter in row.group(1))
    assert all(is_harmless(page) for page in pages.values())
    # What turns the direction of the text stands in an element that keeps it to itself.
    for before in re.findall(r"<(\w+[^<>]*)>[^<>]*\u202e", pages["/runs/"]):
        assert re.match(r'bdi|.*dir="auto"|title|option|input', before), before

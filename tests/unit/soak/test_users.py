"""The users check their answers: a form that launches twice, a page that breaks, a run that is not found."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.soak import users as module
from tests.soak.scenarios import KINDS
from tests.soak.users import Launched, Users, WrongAnswer

FORM = '<input type="hidden" name="launch_key" value="k">'
OURS = str(uuid.uuid4())
ENDED = (
    b'{"status": "succeeded", "finished_at": "now", "thread_id": "t", "run_id": "r",'
    b' "events": [{"data": {"to": "succeeded"}}],"final_state":' + b"[" * 10_000 + b"\xff" + b"]" * 10_000 + b"}"
)
Answer = Callable[[httpx.Request], httpx.Response]


def users_with(answer: Answer) -> Users:
    found = Users(("http://web",), random.Random(1))
    found._client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return found


def launching(ids: list[str]) -> Answer:
    """A web process whose form gives these, one after the other."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, text=FORM)
        return httpx.Response(303, headers={"Location": f"/runs/{ids.pop(0)}/"})

    return answer


def reading(**pages: httpx.Response) -> Answer:
    """A web process that has one run; `pages` are those that are not as they should be."""
    right = {
        "json": httpx.Response(200, content=ENDED),
        "page": httpx.Response(200),
        "found": httpx.Response(200, text=f"/runs/{OURS}/"),
        "result": httpx.Response(200, content=b"[]"),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        name = (
            "result" if path.endswith("result.json") else "json" if path.endswith(".json") else "found"
            if path == "/runs/" else "page"
        )  # fmt: skip
        return (right | pages)[name]

    return answer


async def test_a_form_that_launches_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TWICE", 1.0)
    once, twice = str(uuid.uuid4()), [str(uuid.uuid4()), str(uuid.uuid4())]
    right, wrong = users_with(launching([once, once])), users_with(launching(twice))

    await right.play(KINDS["plain"])
    await wrong.play(KINDS["plain"])

    assert (right.wrong, [each.run_id for each in right.launched]) == ([], [once])
    assert len(wrong.wrong) == 1
    assert all(run_id in wrong.wrong[0] for run_id in twice)


async def test_what_a_web_process_gives_of_a_final_state_is_kept_however_strange_it_is() -> None:
    crew = users_with(reading())

    await crew.look_everywhere(Launched(OURS, KINDS["state: a list"]))

    assert len(crew.read[OURS]) == 64


@pytest.mark.parametrize(
    ("what", "answered"),
    [
        ("page", httpx.Response(500, text="Server Error")),
        ("json", httpx.Response(404)),
        ("result", httpx.Response(500)),
        ("found", httpx.Response(200, text="no runs")),
    ],
)
async def test_a_page_that_breaks_and_a_run_that_is_not_found_are_found(what: str, answered: httpx.Response) -> None:
    crew = users_with(reading(**{what: answered}))

    with pytest.raises(WrongAnswer):
        await crew.look_everywhere(Launched(OURS, KINDS["state: a list"]))


ASKING = {"id": OURS, "interrupts": [{"id": "q"}]}
INBOX = FORM + '<input type="hidden" name="csrfmiddlewaretoken" value="c"><input type="hidden" name="inbox" value="1">'


def won(typed: str) -> httpx.Response:
    return httpx.Response(303, headers={"Location": "/inbox/"})


def late(typed: str) -> httpx.Response:
    return httpx.Response(409, text=f"This was answered by ada at 12:00:00 UTC. {typed}")


def asking(*answers: Callable[[str], httpx.Response], children: int = 1) -> Answer:
    """A web process of a run that asks: what it says to each answer, and how many runs those launched."""
    left = list(answers)
    launched = [{"id": str(uuid.uuid4()), "kind": "answer"} for _ in range(children)]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/inbox/":
            return httpx.Response(200, text=INBOX)
        if request.method == "GET":
            return httpx.Response(200, json={"children": launched})
        return left.pop(0)(parse_qs(request.content.decode())["answer/q"][0])

    return answer


async def test_of_two_answers_one_wins() -> None:
    crew = users_with(asking(late, won))

    child = await crew.answer(ASKING, KINDS["answered by two at once"])

    assert crew.answered == {OURS: "yes, says person 1"}
    assert crew.launched == [child]


@pytest.mark.parametrize(
    ("answers", "children"),
    [
        ((won, won), 1),
        ((late, late), 1),
        ((won, late), 2),
        ((won, late), 0),
        ((won, lambda typed: httpx.Response(409, text=f"Too late. {typed}")), 1),
        ((won, lambda typed: late("")), 1),
        ((won, lambda typed: httpx.Response(500)), 1),
    ],
    ids=["both won", "none won", "two runs", "no run", "no name", "text lost", "broken"],
)
async def test_what_is_wrong_with_two_answers_is_found(answers: tuple[Any, ...], children: int) -> None:
    with pytest.raises(WrongAnswer):
        await users_with(asking(*answers, children=children)).answer(ASKING, KINDS["answered by two at once"])


async def test_a_question_that_the_inbox_offers_no_form_for_is_found() -> None:
    with pytest.raises(WrongAnswer):
        await users_with(lambda request: httpx.Response(200)).answer(ASKING, KINDS["answered"])

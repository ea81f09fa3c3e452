"""The people: they sign in, fill in the launch form, answer, look at runs and cancel them, on any web process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.soak.scenarios import KINDS, Kind, When

PATIENCE_S = 90.0
AGAIN_S = 0.3
AGAIN_MAX_S = 2.0
FINAL_STATE = b',"final_state":'
TWICE = 0.1
"""How often somebody clicks twice."""
_RUN = re.compile(r"/runs/([0-9a-f-]{36})/")


class WrongAnswer(Exception):
    """A web process answered what it must not answer."""


@dataclass(frozen=True)
class Launched:
    """A run that the form launched."""

    run_id: str
    kind: Kind


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.hidden[str(found["name"])] = found.get("value") or ""


def hidden_fields(html: str) -> dict[str, str]:
    """What a form sends although nobody typed it: the CSRF token, the launch key."""
    form = _Form()
    form.feed(html)
    return form.hidden


@dataclass
class Users:
    """One person at several browsers.

    Attributes:
        launched: Every run, in the order the form answered.
        answered: By run that asked, the answer of the one who won.
        read: By run, the SHA-256 of the final state that somebody was given.
        wrong: Answers that must not have come.
        servers: The ids of the servers, by manner.
    """

    urls: tuple[str, ...]
    chance: random.Random
    launched: list[Launched] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    servers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=40))

    async def sign_in(self, username: str, password: str) -> None:
        page = await self._client.get(f"{self.urls[0]}/accounts/login/")
        fields = hidden_fields(page.text) | {"username": username, "password": password}
        answer = await self._client.post(f"{self.urls[0]}/accounts/login/", data=fields)
        assert answer.status_code == 302, answer.text

    @property
    def cookie(self) -> str:
        """The cookies as a browser sends them with its WebSockets."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)

    async def close(self) -> None:
        await self._client.aclose()

    async def launch(self, kind: Kind, *, thread_id: str = "") -> Launched:
        """Launch a run, whatever is down: send the same form until a page answers, sometimes twice."""
        page = await self._ask("GET", "/launch/", (200,))
        fields = hidden_fields(page.text) | {
            "server": self.servers.get(kind.manner, ""),
            "assistant_id": "chat",
            "name": kind.name,
            "metadata": self._metadata(kind),
            "input": "" if "command" in kind.form else '{"topic": "tides"}',
            "thread_id": thread_id,
            **kind.form,
        }
        times = 2 if self.chance.random() < TWICE else 1
        answers = await asyncio.gather(*(self._ask("POST", "/launch/", (303,), fields) for _ in range(times)))
        ids = {match[1] for answer in answers if (match := _RUN.search(answer.headers["location"]))}
        if len(ids) != 1:
            raise WrongAnswer(f"one form launched {sorted(ids)}")
        return self._launched(ids.pop(), kind)

    async def answer(self, asking: Mapping[str, Any], kind: Kind) -> Launched:
        """Answer a run's question with the inbox's form: one person, perhaps clicking twice, or several at once."""
        run_id = asking["id"]
        forms = [await self._answer_form(asking, kind, f"yes, says person {n}") for n in range(kind.answered_by)]
        if len(forms) == 1 and self.chance.random() < TWICE:
            forms *= 2
        path = f"/runs/{run_id}/answer/"
        answers = await asyncio.gather(*(self._ask("POST", path, (303, 409), fields) for fields in forms))
        texts = [fields[f"answer/{asking['interrupts'][0]['id']}"] for fields in forms]
        won = {text for text, answer in zip(texts, answers, strict=True) if answer.status_code == 303}
        if len(won) != 1:
            raise WrongAnswer(f"{len(won)} of {len(set(texts))} answers to {run_id} won")
        for text, answer in zip(texts, answers, strict=True):
            if answer.status_code == 409 and not ("This was answered by ada" in answer.text and text in answer.text):
                raise WrongAnswer(f"a late answer to {run_id} did not learn who answered, or lost its text")
        self.answered[run_id] = won.pop()
        children = (await self.document(run_id))["children"]
        if [child["kind"] for child in children] != ["answer"]:
            raise WrongAnswer(f"one answer to {run_id} launched {children}")
        return self._launched(children[0]["id"], kind)

    async def _answer_form(self, asking: Mapping[str, Any], kind: Kind, text: str) -> dict[str, str]:
        """The form that the inbox offers, filled in."""
        page = await self._ask("GET", f"/inbox/?run={asking['id']}", (200,))
        found = hidden_fields(page.text)
        if "launch_key" not in found:
            raise WrongAnswer(f"the inbox offers no form for {asking['id']}")
        name = f"answer/{asking['interrupts'][0]['id']}"
        sent = {key: found[key] for key in ("csrfmiddlewaretoken", "launch_key", "inbox")}
        return sent | {
            name: text,
            name.replace("answer/", "answer_view/", 1): "text",
            "with/name": kind.name,
            "with/metadata": self._metadata(kind),
        }

    def _metadata(self, kind: Kind) -> str:
        return json.dumps({"kind": kind.name, "run_s": round(self.chance.uniform(*kind.run_s), 2)})

    def _launched(self, run_id: str, kind: Kind) -> Launched:
        launched = Launched(run_id, kind)
        self.launched.append(launched)
        return launched

    async def cancel(self, run_id: str, action: str) -> None:
        page = await self._ask("GET", f"/runs/{run_id}/", (200,))
        token = hidden_fields(page.text).get("csrfmiddlewaretoken", "")
        await self._ask("POST", f"/runs/{run_id}/cancel/", (303,), {"action": action, "csrfmiddlewaretoken": token})

    async def ended(self, run_id: str) -> dict[str, Any]:
        """The run's document once it has ended."""
        while True:
            document = await self.document(run_id)
            if any(event["data"].get("to") == document["status"] for event in document["events"]) and (
                document["finished_at"] is not None
            ):
                return document
            await asyncio.sleep(1)

    async def document(self, run_id: str) -> dict[str, Any]:
        """The run's document without its final state, which may be more than `json` can read."""
        content = (await self._ask("GET", f"/runs/{run_id}.json", (200,))).content
        head, mark, _ = content.partition(FINAL_STATE)
        return dict(json.loads(head + b"}" if mark else head))

    async def running(self, run_id: str) -> dict[str, Any]:
        """The run's document once its server has it."""
        while True:
            document = await self.document(run_id)
            if document["run_id"] is not None or document["finished_at"] is not None:
                return document
            await asyncio.sleep(0.5)

    async def look_everywhere(self, launched: Launched) -> None:
        """Read all that there is of a run that has ended: its page, its final state; and look for it."""
        run_id = launched.run_id
        document = await self.ended(run_id)
        await self._ask("GET", f"/runs/{run_id}/", (200,))
        found = await self._ask("GET", "/runs/?" + urlencode({"q": launched.kind.name}), (200,))
        if f"/runs/{run_id}/" not in found.text:
            raise WrongAnswer(f"{run_id} is not found by its name")
        if document["status"] == "succeeded":
            state = await self._ask("GET", f"/runs/{run_id}/result.json", (200,))
            self.read[run_id] = hashlib.sha256(state.content).hexdigest()

    async def play(self, kind: Kind) -> None:
        """Launch a run of a kind and do what belongs to it; runs that others follow are launched first."""
        try:
            document: dict[str, Any] = {}
            if kind.follows:
                before = await self.launch(KINDS[kind.follows])
                document = await self._once(kind.follows_when, before.run_id)
            if kind.answered_by:
                launched = await self.answer(document, kind)
            else:
                launched = await self.launch(kind, thread_id=document.get("thread_id", ""))
            if kind.cancel:
                await asyncio.sleep(kind.cancel_after_s)
                await self.cancel(launched.run_id, kind.cancel)
            if kind.is_read:
                await self.look_everywhere(launched)
        except WrongAnswer as error:
            self.wrong.append(f"{kind.name}: {error}")

    async def _once(self, when: When, run_id: str) -> dict[str, Any]:
        match when:
            case "launched":
                return await self.document(run_id)
            case "running":
                return await self.running(run_id)
            case "ended":
                return await self.ended(run_id)

    async def _ask(
        self, method: str, path: str, right: tuple[int, ...], fields: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask until some web process gives one of the right answers; after 503 and a broken connection, ask again."""
        ends, pause_s = asyncio.get_running_loop().time() + PATIENCE_S, AGAIN_S
        while True:
            url = self.chance.choice(self.urls)
            said = ""
            try:
                answer = await self._client.request(method, url + path, data=fields)
                if answer.status_code in right:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]!r}"
                if answer.status_code != 503:
                    raise WrongAnswer(f"{method} {path}: {said}")
            except httpx.TransportError as error:
                said = repr(error)
            if asyncio.get_running_loop().time() > ends:
                raise WrongAnswer(f"{method} {path}: no answer within {PATIENCE_S:g} s, the last was {said}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, AGAIN_MAX_S)

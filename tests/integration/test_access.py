"""Who may do what: everybody at every address and socket. A new address needs a row in `access_rows.py`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from dashboard.answers.links.services import link_create, link_revoke
from dashboard.costs.services import price_set
from dashboard.history.models import BulkAction, SavedView
from dashboard.launch.models import Preset
from dashboard.live.routing import websockets
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.form_links.services import FormOrder, form_link_create, form_link_revoke
from dashboard.sharing.models import SetKind
from dashboard.sharing.services import ShareOrder, share_create, share_revoke
from dashboard.sharing.services import link_revoke as share_link_revoke
from dashboard.sharing.sets.services import SetOrder, set_share
from dashboard.teams.api_tokens import token_make
from dashboard.teams.models import Scope, Team, User
from dashboard.teams.password_links import password_link_make
from dashboard.teams.people import invitation_create
from tests.asynchronous import in_db
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.access_rows import INVITED, LEVELS, LINK, OPEN, PERSON, RANK, READ, ROWS, SOCKETS, Row
from tests.integration.live.opening import opened


def addresses() -> dict[str, URLPattern]:
    """Every address of the project, by its name."""

    def walk(patterns: list[Any]) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield str(pattern.name or pattern.pattern), pattern

    return dict(walk(get_resolver().url_patterns))


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(addresses()) == set(ROWS)


@dataclass(frozen=True)
class House:
    """A team with one of everything, and who asks."""

    team: Team
    people: dict[str, User]
    run: Run
    objects: dict[str, Any]
    tokens: dict[str, str]
    link: str
    revoked: str
    invitation: str
    answer_links: dict[str, str]
    answer_link_id: uuid.UUID
    form_links: dict[str, str]
    set_links: dict[str, str]

    def client(self, who: str) -> Client:
        if who.startswith("token"):
            token = self.tokens[who.removeprefix("token ")]
            return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
        client = Client(raise_request_exception=False)
        if who in self.people:
            client.force_login(self.people[who])
        return client


WHO = (
    "anonymous", "stranger", "deactivated", "viewer", "member", "admin",
    *(f"token {scope}" for scope in Scope.values), "link", "revoked link",
)  # fmt: skip


def house() -> House:
    """The strangest stranger: an admin, of another team."""
    team = make_team()
    people = {role: make_user(team, role=role) for role in RANK}
    people["stranger"] = make_user(make_team(), role="admin")
    people["deactivated"] = make_user(team, role="admin")
    server = make_server(team)
    run = make_run(server=server, by=people["admin"], status=RunStatus.SUCCEEDED, body=b'{"a": 1}')
    shown, link = share_create(run=run, by=people["admin"], lifetime=None)
    gone, revoked = share_create(run=run, by=people["admin"], lifetime=None)
    share_revoke(run=run, link_id=gone.pk)
    asking = make_run(
        server=server,
        by=people["admin"],
        status=RunStatus.NEEDS_INPUT,
        ending={"interrupts": [{"id": "q", "value": 1}]},
    )
    answer_link, answering = link_create(run=asking, by=people["admin"], name="Bob", lifetime=None)
    ended, ended_token = link_create(run=asking, by=people["admin"], name="Eve", lifetime=None)
    link_revoke(team=team, link_id=ended.pk)
    invitation, joining = invitation_create(team=team, by=people["admin"], role="member")
    token, _ = token_make(team=team, user=people["admin"], name="x", scopes=["read"], lifetime=None)
    tokens = {
        scope: token_make(team=team, user=people["admin"], name=scope, scopes=[scope], lifetime=None)[1]
        for scope in Scope.values
    }
    preset = Preset.objects.create(
        team=team,
        server=server,
        created_by=people["admin"],
        name="p",
        scope="team",
        assistant_id="chat",
        values_text="{}",
    )
    assistant = server.assistants.create(
        assistant_id=uuid.uuid4(), graph_id="chat", name="chat", seen_at="2026-01-01T00:00Z"
    )
    view = SavedView.objects.create(team=team, owner=people["admin"], name="v", scope="team", query="status=failed")
    bulk = BulkAction.objects.create(team=team, by=people["admin"], kind="tag", total=1)
    price, _ = price_set(team=team, model="m", input=Decimal(1), output=Decimal(1), cached=None, currency="USD")
    objects = {
        "view_id": view.pk,
        "bulk_id": bulk.pk,
        "run_id": run.pk,
        "server_id": server.pk,
        "preset_id": preset.pk,
        "link_id": shown.pk,
        "token_id": token.pk,
        "invitation_id": invitation.pk,
        "user_id": people["viewer"].pk,
        "slug": team.slug,
        "assistant_id": assistant.assistant_id,
        "thread_id": run.remote_thread_id,
        "index": 0,
        "price_id": price.pk,
        "checkpoint_id": "1f0",
        "kind": "python",
        "name": "0" * 16,
    }
    answer_links = {"link": answering, "revoked link": ended_token}
    _, forming = form_link_create(preset=preset, by=people["admin"], lifetime=None, order=FormOrder("", {}))
    no_form, no_forming = form_link_create(preset=preset, by=people["admin"], lifetime=None, order=FormOrder("", {}))
    form_link_revoke(no_form)
    form_links = {"link": forming, "revoked link": no_forming}
    runs = SetOrder(SetKind.COMPARISON, "Both", run_ids=[run.pk, asking.pk])
    _, seeing = set_share(team=team, by=people["admin"], lifetime=None, runs=runs, order=ShareOrder(["result"]))
    no_both, no_seeing = set_share(
        team=team, by=people["admin"], lifetime=None, runs=runs, order=ShareOrder(["result"])
    )
    share_link_revoke(no_both)
    set_links = {"link": seeing, "revoked link": no_seeing}
    made = House(
        team, people, run, objects, tokens, link, revoked, joining, answer_links, answer_link.pk, form_links, set_links
    )
    for who in ("deactivated",):
        client = made.client(who)
        people[who].memberships.update(is_active=False)
        type(people[who]).objects.filter(pk=people[who].pk).update(is_active=False)
        client.logout()
    return made


def gets_in(who: str, level: str | None, row: Row, *, safe: bool) -> bool:
    """What the row says of somebody."""
    if level is None:
        return False
    if level == OPEN:
        return True
    if level in (LINK, INVITED):
        return who == "link"
    if who in ("anonymous", "deactivated", "link", "revoked link"):
        return False
    if who.startswith("token"):
        return row.tokens and who.removeprefix("token ") == ("read" if safe else row.scope)
    if who == "stranger":
        return not row.owned
    return level == PERSON or RANK[who] >= LEVELS[level]


def is_in(answer: Any) -> bool:
    """Whether somebody got past the door; what they sent may still be wrong."""
    to_the_door = answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/?next")
    return answer.status_code not in (401, 403, 404, 405, 410) and not to_the_door


def address(made: House, name: str, pattern: URLPattern, who: str) -> str:
    token = {"link": made.link, "revoked link": made.revoked}.get(who, "nope")
    if name == "join" and who == "link":
        token = made.invitation
    if name == "password-reset" and who == "link":
        token = password_link_make(user=made.people["viewer"], team=made.team, by=made.people["admin"])
    if name == "sign-in" and who == "link":
        from dashboard.teams.services import sign_in_link_create

        return sign_in_link_create(user=made.people["viewer"])
    if name == "answer-page":
        token = made.answer_links.get(who, "nope")
    if name == "form-link-page":
        token = made.form_links.get(who, "nope")
    if name.startswith("share-run"):
        token = made.set_links.get(who, "nope")
    known = {**made.objects, "token": token}
    if name == "answer-link-revoke":
        known["link_id"] = made.answer_link_id
    path = reverse(name, kwargs={key: known[key] for key in pattern.pattern.converters})
    if name.startswith("share-new"):
        return f"{path}?server={made.run.server_id}&thread={made.run.remote_thread_id}"
    return f"{path}?a={made.run.pk}" if name == "run-compare" else path


@pytest.mark.django_db
def test_everybody_gets_in_where_the_matrix_says_and_nowhere_else() -> None:
    made, wrong = house(), []
    clients = {who: made.client(who) for who in WHO}
    for name, pattern in addresses().items():
        row = ROWS.get(name)
        for who in WHO if row else ():
            for method, level in (("get", row.get), ("post", row.post)):
                if level is None and who not in ("anonymous", "admin", "link"):
                    continue  # where nobody gets in, the most powerful is enough
                with transaction.atomic():
                    path = address(made, name, pattern, who)
                    cookies = clients[who].cookies.copy()
                    answer = getattr(clients[who], method)(path, headers={"Accept": "text/html"})
                    clients[who].cookies = cookies
                    transaction.set_rollback(True)
                expected = gets_in(who, level, row, safe=method == "get")
                absent = (
                    answer.status_code == 404 and expected and (row.absent or "json" in answer.headers["Content-Type"])
                )
                if answer.status_code >= 500 and name != "healthz":
                    wrong.append(f"{method} {path} for {who}: {answer.status_code}")
                elif is_in(answer) is not expected and not absent:
                    wrong.append(f"{method} {path} ({name}) for {who}: {answer.status_code}, expected in={expected}")

    assert not wrong, "\n".join(wrong)


def test_every_socket_has_a_row() -> None:
    assert {str(route.pattern) for route in websockets.routes} == set(SOCKETS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pattern", SOCKETS)
async def test_sockets_open_where_the_matrix_says_and_nowhere_else(pattern: str) -> None:
    made, level, wrong = await in_db(house), SOCKETS[pattern], []
    for who in ("anonymous", "stranger", "deactivated", "viewer", "admin", "link", "revoked link"):
        links = made.set_links if "/runs/" in pattern else {"link": made.link, "revoked link": made.revoked}
        token = links.get(who, "nope")
        path = "/" + pattern.replace("<uuid:run_id>", str(made.run.pk)).replace("<str:token>", token)
        path = path.replace("<path:path>", "ws/nowhere/")
        user = made.people.get(who)
        async with opened(path, user) as socket:
            message = await socket.receive_output(timeout=10)
        is_owned = "run_id" in pattern
        expected = (
            who == "link"
            if level == LINK
            else level == READ and (who in ("viewer", "admin") or (who == "stranger" and not is_owned))
        )
        if (message["type"] == "websocket.send") is not expected:
            wrong.append(f"{path} for {who}: {message}")

    assert wrong == []

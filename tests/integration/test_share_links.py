"""Who may open a link, how often and until when; all links of a team, and revoking them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.models import ShareLink
from dashboard.sharing.services import ShareOrder, share_create, share_revoke
from dashboard.teams.models import Role, User
from tests.factories import make_run, make_team, make_user

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def run() -> Run:
    return make_run(status=RunStatus.SUCCEEDED, body=b'{"answer": "forty-two"}')


@pytest.fixture
def person(run: Run) -> User:
    return make_user(run.team, username="ada")


def link(run: Run, person: User, *, lifetime: timedelta | None = None, **order: Any) -> tuple[ShareLink, str]:
    """A link and its path."""
    made, token = share_create(
        run=run, by=person, lifetime=lifetime, order=ShareOrder(show=["result"], **order)
    )  # fmt: skip
    return made, f"/s/{token}/"


def opened_by(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def test_wrong_expired_revoked_and_used_up_look_the_same(run: Run, person: User) -> None:
    expired, expired_path = link(run, person, lifetime=timedelta(hours=1))
    ShareLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked, revoked_path = link(run, person)
    share_revoke(run=run, link_id=revoked.pk)
    _, used_path = link(run, person, max_views=1)
    Client().get(used_path)
    paths = ["/s/wrong/", expired_path, revoked_path, used_path]

    def said(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
        headers = {name: value for name, value in answer.headers.items() if name != "Expires"}
        return answer.status_code, answer.content, headers

    for end in ("", "live/", "result.json"):
        answers = [said(Client().get(path + end)) for path in paths]
        assert answers[0][0] == 404
        assert all(answer == answers[0] for answer in answers)


def test_a_link_opens_so_often_and_an_open_page_goes_on(run: Run, person: User) -> None:
    made, path = link(run, person, max_views=2)
    first = Client()

    codes = [first.get(path).status_code, Client().get(path).status_code, Client().get(path).status_code]

    made.refresh_from_db()
    assert codes == [200, 200, 404]
    assert first.get(path).status_code == 404
    assert (made.views, made.last_viewed_at is not None) == (2, True)
    assert first.get(path + "live/").status_code == first.get(path + "result.json").status_code == 200
    assert Client().get(path + "live/").status_code == 404


def test_readers_are_told_why_there_is_no_result(person: User) -> None:
    talk = b'{"messages": [{"type": "ai", "content": "noon"}]}'
    asking = make_run(
        team=person.teams.get(),
        status=RunStatus.NEEDS_INPUT,
        body=talk,
        ending={"interrupts": [{"id": "q", "value": "Go?"}]},
    )
    _, path = link(asking, person)

    page = " ".join(Client().get(path).content.decode().split())

    assert "It has a question for the team that shared it, and waits for their answer." in page
    assert "The final state has nothing that this link shows." in page
    assert "noon" not in page


def test_looking_at_the_head_counts_as_no_view(run: Run, person: User) -> None:
    _, path = link(run, person, max_views=1)

    codes = [Client().head(path).status_code, Client().get(path).status_code, Client().head(path).status_code]

    assert codes == [200, 200, 404]


def test_a_password_is_asked_for_first_and_guessing_is_slowed_down(run: Run, person: User) -> None:
    made, path = link(run, person, password="tide tables")
    client = Client()

    asked = client.get(path)
    wrong = client.post(path, {"password": "tides"})
    hidden = [client.get(path + end).status_code for end in ("live/", "result.json")]
    right = client.post(path, {"password": "tide tables"})

    assert asked.status_code == 200
    assert b"forty-two" not in asked.content + wrong.content
    assert wrong.status_code == 422
    assert hidden == [404, 404]
    assert right.status_code == 303
    assert b"forty-two" in client.get(path).content
    assert client.get(path + "result.json").json() == {"answer": "forty-two"}
    assert "tide tables" not in made.password
    assert [Client().post(path, {"password": str(n)}).status_code for n in range(7)][-1] == 429


def test_a_pass_opens_its_own_link_only(run: Run, person: User) -> None:
    _, one = link(run, person, password="one")
    _, other = link(run, person, password="other")
    client = Client()
    client.post(one, {"password": "one"})
    stolen = next(iter(client.cookies.values())).value

    client.cookies["runboard_share"] = stolen

    assert b"forty-two" not in client.get(other).content


@pytest.mark.parametrize(
    ("audience", "stranger", "elsewhere", "member"),
    [("anyone", 200, 200, 200), ("signed_in", 302, 200, 200), ("team", 302, 404, 200)],
)
def test_the_audience_is_kept(
    run: Run, person: User, audience: str, stranger: int, elsewhere: int, member: int
) -> None:
    _, path = link(run, person, audience=audience)
    other = make_user(make_team())
    gone = make_user(run.team)
    gone.memberships.update(is_active=False)

    codes = [opened_by(user).get(path).status_code for user in (None, other, person)]

    assert codes == [stranger, elsewhere, member]
    assert opened_by(gone).get(path).status_code == elsewhere
    live = [opened_by(user).get(path + "live/").status_code for user in (None, other, person)]
    assert live == [200 if code == 200 else 404 for code in codes]


def test_every_answer_is_private(run: Run, person: User) -> None:
    _, path = link(run, person)
    _, locked = link(run, person, password="x")

    for address in (path, path + "live/", path + "result.json", locked, "/s/wrong/", "/s/wrong/live/"):
        headers = Client().get(address).headers
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in headers["Cache-Control"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_without_unfurl_no_program_is_told_the_name(run: Run, person: User) -> None:
    Run.objects.filter(pk=run.pk).update(name="Tide tables")
    _, quiet = link(run, person)
    _, loud = link(run, person, unfurl=True)

    def head(path: str) -> str:
        return Client().get(path).content.decode().partition("</head>")[0]

    assert "Tide tables" not in head(quiet)
    assert "Succeeded" not in head(quiet)
    assert '<meta property="og:title" content="Tide tables">' in head(loud)


def test_all_links_are_listed_with_what_they_show(client: Client, run: Run, person: User) -> None:
    made, path = link(run, person, redact=["/customer"], note="for the auditors")
    Client().get(path)
    make_run(team=make_team())
    client.force_login(make_user(run.team, role=Role.VIEWER))

    html, document = client.get("/shares/").content.decode(), client.get("/shares/", headers=JSON).json()

    assert "for the auditors" in html
    assert "1 view" in html
    assert document["next"] is None
    (share,) = document["shares"]
    assert share["id"] == str(made.pk)
    assert share["run"] == str(run.pk)
    assert share["show"] == ["result"]
    assert share["created_by"] == "ada"
    assert share["views"] == 1
    assert share["last_viewed_at"]
    assert share["revoked_at"] is None


def test_the_list_goes_on_after_its_page(client: Client, run: Run, person: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.sharing.selectors.PAGE", 2)
    made = {str(link(run, person)[0].pk) for _ in range(5)}
    client.force_login(person)
    url, found = "/shares/", []

    while url:
        document = client.get(url, headers=JSON).json()
        found += [share["id"] for share in document["shares"]]
        url = document["next"]

    assert len(found) == 5
    assert set(found) == made


def test_one_link_all_of_a_run_and_all_of_a_person_are_revoked(client: Client, run: Run, person: User) -> None:
    other = make_run(team=run.team, by=person, server=run.server, status=RunStatus.SUCCEEDED, body=b"{}")
    (one, _), (two, _), (three, _) = link(run, person), link(run, person), link(other, person)
    client.force_login(person)

    def works() -> set[Any]:
        return set(ShareLink.objects.filter(revoked_at=None).values_list("pk", flat=True))

    assert client.post(f"/shares/{one.pk}/revoke/", headers=JSON).json() == {"id": str(one.pk), "revoked": True}
    assert works() == {two.pk, three.pk}
    assert client.post("/shares/revoke/", {"run": run.pk}, headers=JSON).json() == {"revoked": 1}
    assert works() == {three.pk}
    assert client.post("/shares/revoke/", {"person": "ada"}, headers=JSON).json() == {"revoked": 1}
    assert works() == set()
    assert client.post("/shares/revoke/", {}, headers=JSON).status_code == 422


def test_members_revoke_all_of_their_own_and_admins_of_everybody(client: Client, run: Run, person: User) -> None:
    link(run, person)
    client.force_login(make_user(run.team))
    admin = opened_by(make_user(run.team, role=Role.ADMIN))

    assert client.post("/shares/revoke/", {"person": "ada"}, headers=JSON).status_code == 403
    assert admin.post("/shares/revoke/", {"person": "ada"}, headers=JSON).json() == {"revoked": 1}


def test_another_teams_links_are_not_found(client: Client, run: Run, person: User) -> None:
    made, _ = link(run, person)
    client.force_login(make_user(make_team(), role=Role.ADMIN))

    assert client.post(f"/shares/{made.pk}/revoke/").status_code == 404
    assert client.post("/shares/revoke/", {"run": run.pk}, headers=JSON).json() == {"revoked": 0}
    assert client.get("/shares/", headers=JSON).json()["shares"] == []

"""Teams and who is in them: invitations, roles, leaving, switching; profile, password and sessions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client

from dashboard.launch.models import Preset
from dashboard.runs.attention import run_assign
from dashboard.runs.models import Run
from dashboard.sharing.form_links.services import FormOrder, form_link_create
from dashboard.teams.models import AuditEntry, Invitation, Membership, PasswordLink, Team, User
from dashboard.teams.user_agents import browser_words
from tests.factories import make_run, make_server, make_team, make_user
from tests.integration.asking import waiting_run

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
PASSWORD = "a password for tests"


@pytest.fixture
def team() -> Team:
    return make_team("Tides")


@pytest.fixture
def admin(team: Team) -> User:
    return make_user(team, role="admin", username="ada", password=PASSWORD)


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def invited(admin: User, role: str = "member") -> str:
    made = signed_in(admin).post("/people/invitations/", {"role": role, "note": "for Grace"}, headers=JSON)
    assert made.status_code == 201, made.content
    return str(re.sub("^https?://[^/]+", "", made.json()["url"]))


def joining(**fields: str) -> dict[str, str]:
    return {"username": "grace", "full_name": "Grace Hopper", "password": PASSWORD, **fields}


def test_an_invitation_makes_one_person_a_member(admin: User, team: Team) -> None:
    path = invited(admin)
    page = Client().get(path)
    assert "Tides" in page.content.decode()
    assert (page.headers["Referrer-Policy"], page.headers["X-Robots-Tag"]) == ("same-origin", "noindex, nofollow")
    browser = Client()

    joined = browser.post(path, joining())
    second = Client().post(path, joining(username="eve"))

    assert joined.status_code == 303
    membership = Membership.objects.get(user__username="grace")
    assert (membership.team, membership.role, str(membership.user)) == (team, "member", "Grace Hopper")
    assert browser.get("/runs/").status_code == 200, "signed in"
    assert second.status_code == 404
    assert not User.objects.filter(username="eve").exists()
    assert signed_in(membership.user).get(path).status_code == 404, "used and unknown look the same"


@pytest.mark.parametrize(
    "fields", [{"password": "short"}, {"password": "grace hopper1"}, {"username": "ada"}, {"username": "a b"}]
)
def test_a_wrong_account_is_refused_and_the_invitation_stays(admin: User, fields: dict[str, str]) -> None:
    path = invited(admin)

    page, document = Client().post(path, joining(**fields)), Client().post(path, joining(**fields), headers=JSON)

    assert page.status_code == document.status_code == 422
    assert set(document.json()["errors"]) == set(fields)
    assert "has-error" in page.content.decode()
    assert Client().post(path, joining(), headers=JSON).status_code == 201


def test_somebody_with_an_account_joins_with_it(admin: User, team: Team) -> None:
    other = make_user(make_team("Moons"))
    browser = signed_in(other)
    path = invited(admin, "viewer")

    assert "Join as" in browser.get(path).content.decode()
    assert browser.post(path).status_code == 303
    assert Membership.objects.get(user=other, team=team).role == "viewer"
    assert "Tides" in browser.get("/teams/").content.decode()


@pytest.mark.parametrize("how", ["revoked", "expired", "unknown"])
def test_an_invitation_that_does_not_work_says_nothing(admin: User, how: str) -> None:
    path = invited(admin)
    if how == "revoked":
        made = Invitation.objects.get()
        for _ in range(2):
            assert signed_in(admin).post(f"/people/invitations/{made.pk}/revoke/", headers=JSON).status_code == 200
    elif how == "expired":
        Invitation.objects.update(expires_at=F("expires_at") - timedelta(days=8))
    else:
        path = "/accounts/join/nope/"

    refused = Client().get(path)

    assert refused.status_code == Client().post(path, joining()).status_code == 404
    assert "Tides" not in refused.content.decode()
    assert refused.headers["Referrer-Policy"] == "no-referrer"
    assert not User.objects.filter(username="grace").exists()


def test_only_admins_invite_and_change_people(admin: User, team: Team) -> None:
    for role in ("viewer", "member"):
        browser = signed_in(make_user(team, role=role))
        for path in ("/people/invitations/", "/people/", f"/people/{admin.pk}/"):
            assert browser.post(path, {"role": "viewer"}, headers=JSON).status_code == 403, path
        page = browser.get("/people/").content.decode()
        assert "ada" in page
        assert "Invite somebody" not in page
    assert Membership.objects.get(user=admin).role == "admin"


def test_people_of_other_teams_are_not_found(admin: User) -> None:
    stranger = make_user(make_team())
    invited(make_user(stranger.teams.get(), role="admin"))
    other = Invitation.objects.get()

    assert signed_in(admin).post(f"/people/{stranger.pk}/", {"role": "viewer"}, headers=JSON).status_code == 404
    assert signed_in(admin).post(f"/people/invitations/{other.pk}/revoke/", headers=JSON).status_code == 404


def test_a_deactivated_person_is_out_at_once_and_comes_back(admin: User, team: Team) -> None:
    member = make_user(team, username="grace", password=PASSWORD)
    browser, boss = signed_in(member), signed_in(admin)

    off = boss.post(f"/people/{member.pk}/", {"active": "false"}, headers=JSON)

    assert off.json() == {
        "id": member.pk, "username": "grace", "full_name": "", "role": "member", "active": False
    }  # fmt: skip
    assert browser.get("/runs/", headers=JSON).status_code == 401
    assert Client().post("/accounts/login/", {"username": "grace", "password": PASSWORD}).status_code == 200
    boss.post(f"/people/{member.pk}/", {"active": "true", "role": "viewer"})
    assert Client().post("/accounts/login/", {"username": "grace", "password": PASSWORD}).status_code == 302
    assert Membership.objects.get(user=member).role == "viewer"


def test_who_is_deactivated_in_one_team_works_on_in_another(admin: User, team: Team) -> None:
    member, other = make_user(team), make_team("Moons")
    Membership.objects.create(team=other, user=member, role="member")
    browser = signed_in(member)

    signed_in(admin).post(f"/people/{member.pk}/", {"active": "false"})

    assert browser.get("/runs/").context["request"].team == other


def test_what_somebody_looked_after_is_handed_over(admin: User, team: Team) -> None:
    server, ben, eve = make_server(team), make_user(team, role="admin"), make_user(team, username="eve")
    make_user(team, username="vera", role="viewer")
    preset = Preset.objects.create(
        team=team, server=server, created_by=ben, name="p", assistant_id="chat", values_text="{}"
    )
    _, token = form_link_create(preset=preset, by=ben, lifetime=None, order=FormOrder("", {}))
    asking = waiting_run(admin)
    run_assign(run=asking, to=ben, by=admin)
    boss, address = signed_in(admin), f"/people/{ben.pk}/hand-over/"
    boss.post(f"/people/{ben.pk}/", {"active": "false"})
    assert Client().get(f"/f/{token}/").status_code == 404

    page = boss.get(address).content.decode()
    refused = [boss.post(address, {"to": name}, headers=JSON).status_code for name in ("vera", ben.username, "nobody")]
    given = boss.post(address, {"to": "eve"}, headers=JSON).json()
    again = boss.post(address, {"to": "eve"}, headers=JSON).json()

    assert [words in page for words in ("1 preset<", "1 form link<", "1 assigned question<", "vera")] == [True] * 3 + [
        False
    ]
    assert refused == [422] * 3
    assert given == {"id": ben.pk, "to": eve.pk, "presets": 1, "forms": 1, "views": 0, "questions": 1}
    assert (again["presets"], again["forms"], again["questions"]) == (0, 0, 0)
    assert Client().get(f"/f/{token}/").status_code == 200
    assert Run.objects.get(pk=asking.pk).assigned_to == eve
    assert AuditEntry.objects.filter(action="member-hand-over")[0].object.startswith(
        f"from {ben.username} to eve: 1 preset"
    )


def test_the_last_admin_stays(admin: User, team: Team) -> None:
    boss = signed_in(admin)
    for path, fields in (
        ("/people/leave/", {}),
        (f"/people/{admin.pk}/", {"role": "member"}),
        (f"/people/{admin.pk}/", {"active": "false"}),
    ):
        refused = boss.post(path, fields, headers=JSON)
        assert refused.status_code == boss.post(path, fields).status_code == 409
        assert "needs an admin" in refused.json()["errors"]["role"][0]
    make_user(team, role="admin")

    assert boss.post("/people/leave/", headers=JSON).json() == {"left": True}
    assert boss.get("/people/", headers=JSON).status_code == 403


def test_teams_see_nothing_of_each_other_and_are_switched(admin: User, team: Team) -> None:
    boss = signed_in(admin)
    ours = make_run(server=make_server(team), by=admin, name="Neap")

    made = boss.post("/teams/", {"name": "Moons"}, headers=JSON)

    assert made.status_code == 201
    assert boss.get("/runs/").context["request"].team.name == "Moons"
    assert "Neap" not in boss.get("/runs/").content.decode()
    assert boss.get(f"/runs/{ours.pk}.json").status_code == 404
    assert [(row["name"], row["current"]) for row in boss.get("/teams/", headers=JSON).json()["teams"]] == [
        ("Moons", True),
        ("Tides", False),
    ]
    assert boss.post(f"/teams/{team.slug}/switch/", {"next": "/people/"}).headers["Location"] == "/people/"
    assert boss.post(f"/teams/{team.slug}/switch/", {"next": "//evil.example"}).headers["Location"] == "/runs/"
    assert "Neap" in boss.get("/runs/").content.decode()
    assert signed_in(make_user(make_team())).post(f"/teams/{team.slug}/switch/", headers=JSON).status_code == 404


def test_the_menu_switches_to_each_of_ones_other_teams(admin: User, team: Team) -> None:
    boss = signed_in(admin)
    before = boss.get("/runs/").content.decode()
    boss.post("/teams/", {"name": "Moons"})

    page = boss.get("/runs/").content.decode()

    assert "Switch to" not in before
    assert page.count("Switch to") == 1
    assert f'action="/teams/{team.slug}/switch/"' in page


def test_only_admins_make_teams(team: Team) -> None:
    assert signed_in(make_user(team)).post("/teams/", {"name": "Mine"}, headers=JSON).status_code == 403
    assert Team.objects.count() == 1


def test_a_link_of_another_of_ones_teams_leads_there(admin: User, team: Team) -> None:
    run = make_run(server=make_server(team), by=admin)
    boss = signed_in(admin)
    boss.post("/teams/", {"name": "Moons"})

    opened = boss.get(f"/runs/{run.pk}/", follow=True)

    assert opened.status_code == 200
    assert "You have switched to Tides" in opened.content.decode()
    assert opened.context["request"].team == team
    assert signed_in(make_user(make_team())).get(f"/runs/{run.pk}/").status_code == 404


def test_a_profile_has_a_zone_and_a_theme(admin: User, team: Team) -> None:
    boss = signed_in(admin)
    wrong = boss.post("/profile/", {"time_zone": "Mars/Base", "theme": "pink"}, headers=JSON)
    assert set(wrong.json()["errors"]) == {"time_zone", "theme"}

    boss.post("/profile/", {"full_name": "Ada L", "time_zone": "new york"})
    assert User.objects.get(pk=admin.pk).time_zone == "America/New_York"
    saved = boss.post("/profile/", {"full_name": "Ada L", "time_zone": "Asia/Kolkata", "theme": "dark"})

    assert saved.status_code == 303
    page = boss.get("/profile/").content.decode()
    assert '<html lang="en" data-theme="dark">' in page
    run = make_run(server=make_server(team), by=admin)
    run.created_at = run.created_at.replace(hour=12, minute=0)
    run.save(update_fields=["created_at"])
    assert "17:30:" in boss.get(f"/runs/{run.pk}/").content.decode()


def test_a_new_password_ends_other_sessions(admin: User) -> None:
    here, elsewhere = signed_in(admin), signed_in(admin)
    wrong = here.post("/profile/password/", {"password": "no", "new_password": "short"}, headers=JSON)
    assert set(wrong.json()["errors"]) == {"password", "new_password"}

    changed = here.post("/profile/password/", {"password": PASSWORD, "new_password": "another long password"})

    assert changed.status_code == 303
    assert here.get("/profile/").status_code == 200
    assert elsewhere.get("/profile/").status_code == 302
    assert Session.objects.count() == 1


def test_a_session_is_ended_by_its_owner_alone(admin: User, team: Team) -> None:
    here, elsewhere = signed_in(admin), signed_in(admin)
    sessions = here.get("/profile/").context["sessions"]
    (name,) = [session["name"] for session in sessions if not session["is_this"]]
    key = elsewhere.cookies["sessionid"].value
    assert key not in here.get("/profile/").content.decode()

    stranger = signed_in(make_user(team)).post(f"/profile/sessions/{name}/end/", headers=JSON)
    ended = here.post(f"/profile/sessions/{name}/end/", headers=JSON)
    again: Any = here.post(f"/profile/sessions/{name}/end/", headers=JSON)

    assert (stranger.status_code, ended.status_code, again.status_code) == (404, 200, 404)
    assert elsewhere.get("/profile/").status_code == 302


def test_sessions_are_named_by_their_browsers() -> None:
    kit = "AppleWebKit/537.36 (KHTML, like Gecko)"

    assert (
        browser_words(f"Mozilla/5.0 (Windows NT 10.0) {kit} Chrome/131.0 Safari/537.36 Edg/131.0") == "Edge on Windows"
    )
    assert (
        browser_words(f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {kit} Safari/604.1")
        == "Safari on iPhone"
    )
    assert browser_words("curl/8.5") == "curl/8.5"


# A password without the old one.

NEW = "another long password"


@pytest.fixture
def grace(team: Team) -> User:
    return make_user(team, username="grace", password=PASSWORD)


def password_link(admin: User, person: User) -> str:
    made = signed_in(admin).post(f"/people/{person.pk}/password-link/", headers=JSON)
    assert made.status_code == 201, made.content
    return str(re.sub("^https?://[^/]+", "", made.json()["url"]))


def test_a_password_link_sets_a_password_once_and_ends_all_sessions(admin: User, grace: User) -> None:
    elsewhere, path = signed_in(grace), password_link(admin, grace)
    page = Client().get(path)
    assert "grace" in page.content.decode()
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    weak = Client().post(path, {"new_password": "short"}, headers=JSON)
    assert (weak.status_code, set(weak.json()["errors"])) == (422, {"new_password"})

    done = Client().post(path, {"new_password": NEW})

    assert done.headers["Location"] == "/accounts/login/"
    assert elsewhere.get("/runs/", headers=JSON).status_code == 401
    assert Client().post("/accounts/login/", {"username": "grace", "password": PASSWORD}).status_code == 200
    assert Client().post("/accounts/login/", {"username": "grace", "password": NEW}).status_code == 302
    assert Client().post(path, {"new_password": PASSWORD}).status_code == 404
    said = AuditEntry.objects.exclude(action="login").order_by("pk").values_list("by", "action", "object")
    assert list(said) == [
        ("ada", "member-password-link", "password link for grace"),
        ("grace", "password-reset", "grace"),
    ]


@pytest.mark.parametrize("how", ["newer", "expired", "deactivated", "joined another team", "left", "unknown"])
def test_a_password_link_that_does_not_work_says_nothing(admin: User, grace: User, how: str) -> None:
    path = password_link(admin, grace)
    match how:
        case "newer":
            password_link(admin, grace)
        case "expired":
            PasswordLink.objects.update(expires_at=F("expires_at") - timedelta(hours=25))
        case "deactivated":
            Membership.objects.filter(user=grace).update(is_active=False)
        case "joined another team":
            Membership.objects.create(user=grace, team=make_team(), role="admin")
        case "left":
            Membership.objects.filter(user=grace).delete()
        case "unknown":
            path = "/accounts/reset/nope/"

    refused = Client().get(path)

    assert refused.status_code == Client().post(path, {"new_password": NEW}).status_code == 404
    assert "grace" not in refused.content.decode()
    assert refused.headers["Referrer-Policy"] == "no-referrer"
    assert User.objects.get(pk=grace.pk).check_password(PASSWORD)


def test_no_team_alone_sets_the_password_of_a_person_in_several(admin: User, grace: User) -> None:
    Membership.objects.create(user=grace, team=make_team(), role="viewer", is_active=False)

    refused = signed_in(admin).post(f"/people/{grace.pk}/password-link/")

    assert refused.status_code == 409
    assert "belongs to another team" in refused.content.decode()
    assert not PasswordLink.objects.exists()

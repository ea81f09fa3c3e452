"""Signing in with OpenID Connect, against a provider on loopback: who comes in, as whom, and with which role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard.env import OpenID
from dashboard.local.ports import free_port
from dashboard.teams.models import AuditEntry, Identity, Membership, Role, Team, User
from dashboard.teams.people import invitation_create
from tests.factories import make_team, make_user
from tests.oidc_provider import known_there, oidc_provider
from tests.words import flat

pytestmark = pytest.mark.django_db

START = "/accounts/openid/"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider() as url:
        yield url


@pytest.fixture
def team() -> Team:
    team = make_team("Tides")
    team.slug = "tides"
    team.save()
    make_user(team, role="admin", username="boss")
    return team


@pytest.fixture
def configured(issuer: str, team: Team, settings: Any) -> str:
    """An installation with that provider, whose groups `ops` and `staff` are admins and members of the team."""
    groups = (("ops", "tides", "admin"), ("staff", "tides", "member"), ("lost", "no-such-team", "admin"))
    openid = OpenID(issuer, "runboard", "a secret", "Example", ("openid", "profile", "email"), "groups", groups)
    settings.ENV = replace(settings.ENV, openid=openid)
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "dashboard.teams.openid.allauth.Accounts",
        "dashboard.teams.openid.allauth.SocialAccounts",
    ]
    cache.clear()
    return issuer


def way_back(browser: Client, subject: str, start: str = START) -> str:
    """Go to the provider, sign in there, and return the address that it leads back to."""
    sent = browser.get(start)
    assert sent.status_code == 302, sent.content
    there = httpx.post(sent.headers["Location"], data={"sub": subject})
    assert there.status_code == 302, there.text
    back = urlsplit(there.headers["Location"])
    return f"{back.path}?{back.query}"


def came(subject: str, browser: Client | None = None, start: str = START) -> Any:
    browser = browser or Client()
    return browser.get(way_back(browser, subject, start))


def role_of(username: str) -> str | None:
    found = Membership.objects.filter(user__username=username, team__slug="tides").first()
    return found.role if found else None


def test_without_a_provider_there_is_nothing_of_it() -> None:
    assert Client().get(START).status_code == 404
    assert Client().get(f"{START}callback/?code=x&state=y").status_code == 404
    assert "openid" not in Client().get("/accounts/login/").content.decode()


def test_the_first_sign_in_makes_a_member_and_later_ones_find_them(configured: str) -> None:
    known_there(configured, "grace", name="Grace Hopper", groups=["staff", "other"], email="g@example.org")
    page = Client().get("/accounts/login/?next=/people/").content.decode()
    assert 'href="/accounts/openid/?next=/people/"' in page
    assert "Sign in with Example" in page
    browser = Client()

    answer = came("grace", browser, f"{START}?next=/people/")

    assert answer.headers["Location"] == "/people/"
    assert "role by groups" in flat(browser.get("/people/"))
    person = User.objects.get(username="grace")
    assert (str(person), person.email, person.has_usable_password()) == ("Grace Hopper", "", False)
    assert role_of("grace") == "member"
    assert came("grace").headers["Location"] == "/runs/"
    assert Identity.objects.get().user == person
    entries = AuditEntry.objects.order_by("pk").values_list("action", "object")
    assert list(entries)[:2] == [("groups", "grace, now member, by groups"), ("login", "grace")]


def test_roles_follow_the_groups(configured: str, team: Team) -> None:
    for groups, role in ((["staff"], "member"), (["staff", "ops"], "admin"), ("staff", "member")):
        known_there(configured, "grace", groups=groups)
        assert came("grace").status_code == 302
        assert role_of("grace") == role
    known_there(configured, "grace", groups=["other"])

    refused = came("grace")

    assert refused.status_code == 403
    assert "Example knows you, but you are in no team here" in refused.content.decode()
    assert role_of("grace") is None
    known_there(configured, "grace", groups=["ops"])
    assert came("grace").status_code == 302
    assert User.objects.filter(username__startswith="grace").count() == 1


def test_the_last_admin_keeps_the_team(configured: str, team: Team) -> None:
    known_there(configured, "grace", groups=["ops"])
    came("grace")
    Membership.objects.filter(user__username="boss").update(role=Role.VIEWER)
    known_there(configured, "grace", groups=[])

    assert came("grace").status_code == 302
    assert role_of("grace") == "admin"


def test_a_role_given_by_hand_stays(configured: str, team: Team) -> None:
    by_hand = make_user(team, role="viewer", username="ada")
    Identity.objects.create(user=by_hand, issuer=configured, subject="ada")
    for groups in (["ops"], []):
        known_there(configured, "ada", groups=groups)

        assert came("ada").status_code == 302
        assert role_of("ada") == "viewer"


def test_somebody_without_a_group_learns_whom_to_ask_and_leaves_nothing(configured: str) -> None:
    known_there(configured, "eve", groups={"not": "a list"})
    browser = Client()

    refused = came("eve", browser)

    assert refused.status_code == 403
    assert "ask" in refused.content.decode().lower()
    assert not User.objects.filter(username="eve").exists()
    assert browser.get("/runs/").status_code == 302


def test_an_invitation_works_without_a_group(configured: str, team: Team) -> None:
    known_there(configured, "eve", groups=[])
    _, token = invitation_create(team=team, by=User.objects.get(username="boss"), role=Role.VIEWER)
    browser = Client()

    answer = came("eve", browser, f"{START}?next=/accounts/join/{token}/")

    assert answer.headers["Location"] == f"/accounts/join/{token}/"
    assert browser.post(answer.headers["Location"]).status_code == 303
    assert role_of("eve") == "viewer"
    assert came("eve").status_code == 302, "given by hand"


@pytest.mark.parametrize("verified", [True, False, None, "false"])
def test_a_person_is_known_by_an_address_only_if_it_is_verified(configured: str, team: Team, verified: Any) -> None:
    ada = make_user(team, role="viewer", username="ada")
    User.objects.filter(pk=ada.pk).update(email="Ada@example.org")
    known_there(configured, "a-1", email="ada@example.org", email_verified=verified, groups=["staff"])
    browser = Client()

    assert came("a-1", browser).status_code == 302

    signed_in = browser.get("/runs/").context["request"].user
    assert (signed_in == ada) is (verified is True)
    assert signed_in.email == ("Ada@example.org" if verified is True else "")


def test_an_address_that_two_people_have_says_nothing(configured: str, team: Team) -> None:
    for name in ("ada", "eve"):
        User.objects.filter(pk=make_user(team, username=name).pk).update(email="ada@example.org")
    known_there(configured, "a-2", email="ada@example.org", email_verified=True, groups=["staff"])
    browser = Client()

    came("a-2", browser)

    assert browser.get("/runs/").context["request"].user.username == "a-2"


def test_a_user_name_that_is_taken_gets_a_number(configured: str) -> None:
    known_there(configured, "b-1", preferred_username="boss", groups=["staff"])
    known_there(configured, "b-2", preferred_username="<b> \n", groups=["staff"])
    for subject in ("b-1", "b-2"):
        assert came(subject).status_code == 302

    assert [identity.user.username for identity in Identity.objects.order_by("subject")] == ["boss-2", "b"]


@pytest.mark.parametrize("how", ["membership", "account"])
def test_a_deactivated_person_is_refused(configured: str, team: Team, how: str) -> None:
    known_there(configured, "grace", groups=["staff"])
    came("grace")
    boss = Client()
    boss.force_login(User.objects.get(username="boss"))
    grace = User.objects.get(username="grace")
    if how == "membership":
        boss.post(f"/people/{grace.pk}/", {"active": "false"})
    else:
        User.objects.filter(pk=grace.pk).update(is_active=False)
    known_there(configured, "grace", groups=["ops"])

    refused = came("grace")

    assert refused.status_code == 403
    assert "closed" in refused.content.decode()
    assert role_of("grace") == "member"


def test_an_account_is_connected_by_who_asks_for_it_there(configured: str, team: Team) -> None:
    ada = make_user(team, username="ada")
    known_there(configured, "a-1", groups=["staff"])
    browser = Client()
    browser.force_login(ada)
    asks = browser.post("/profile/openid/").content.decode()
    assert 'href="/accounts/openid/?next=/profile/"' in asks

    answer = came("a-1", browser, f"{START}?next=/profile/")

    assert answer.headers["Location"] == "/profile/"
    assert "You can sign in with Example" in browser.get("/profile/").content.decode()
    another = Client()
    assert came("a-1", another).status_code == 302
    assert another.get("/runs/").context["request"].user == ada
    assert AuditEntry.objects.filter(action="openid-connect", by="ada").count() == 1
    eve = Client()
    eve.force_login(make_user(team, username="eve"))
    eve.post("/profile/openid/")
    assert came("a-1", eve).status_code == 409, "another's"


def test_what_strangers_begin_is_forgotten_soon(configured: str) -> None:
    known_there(configured, "grace", groups=["staff"])
    browser = Client()
    way_back(browser, "grace")
    assert Session.objects.get().expire_date < timezone.now() + timedelta(minutes=20)
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    begun = Client()

    back = way_back(begun, "grace")
    assert Session.objects.count() == 1
    assert begun.get(back).status_code == 302

    assert Session.objects.get().expire_date > timezone.now() + timedelta(days=13)


def test_nobody_is_connected_without_asking(configured: str, team: Team) -> None:
    ada = make_user(team, username="ada")
    known_there(configured, "mallory", groups=["staff"])
    browser = Client()
    browser.force_login(ada)

    came("mallory", browser)

    assert not ada.identities.exists()
    assert browser.get("/runs/").context["request"].user.username == "mallory"


@pytest.mark.parametrize("how", ["other browser", "wrong", "twice", "none", "denied"])
def test_wrong_state_is_refused(configured: str, how: str) -> None:
    known_there(configured, "grace", groups=["staff"])
    browser = Client()
    back = way_back(browser, "grace")
    match how:
        case "other browser":
            browser = Client()
        case "wrong":
            back = back.replace("state=", "state=x")
        case "twice":
            assert browser.get(back).status_code == 302
            browser.post("/accounts/logout/")
        case "none":
            back = f"{START}callback/?code=x"
        case "denied":
            back = f"{START}callback/?error=access_denied&state={parse_qs(urlsplit(back).query)['state'][0]}"

    refused = browser.get(back)

    assert refused.status_code == (403 if how == "denied" else 400)
    assert "You are not signed in" in refused.content.decode()
    assert browser.get("/runs/").status_code == 302


def test_the_code_of_another_browser_is_refused(configured: str) -> None:
    known_there(configured, "grace", groups=["ops"])
    known_there(configured, "eve", groups=["staff"])
    mine, theirs = Client(), Client()
    code = parse_qs(urlsplit(way_back(theirs, "grace")).query)["code"][0]
    state = parse_qs(urlsplit(way_back(mine, "eve")).query)["state"][0]

    sent = parse_qs(urlsplit(Client().get(START).headers["Location"]).query)

    assert sent["code_challenge_method"] == ["S256"], "a provider that heeds PKCE refuses the code"
    assert len(sent["nonce"][0]) >= 22
    assert mine.get(f"{START}callback/?code={code}&state={state}").status_code == 502, "of another nonce"
    assert mine.get("/runs/").status_code == 302


@pytest.mark.parametrize("following", ["//evil.example/", "https://evil.example/", "javascript:alert(1)"])
def test_it_leads_nowhere_else(configured: str, following: str) -> None:
    known_there(configured, "grace", groups=["staff"])

    assert came("grace", start=f"{START}?next={following}").headers["Location"] == "/runs/"


def test_a_provider_that_is_away_or_another_one_is_said_so(
    configured: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for issuer in (f"http://127.0.0.1:{free_port()}", configured.replace("127.0.0.1", "localhost") + "/x"):
        settings.ENV = replace(settings.ENV, openid=replace(settings.ENV.openid, issuer=issuer))

        refused = Client().get(START)

        assert refused.status_code == 502
        assert "Example does not answer as it should" in refused.content.decode()
    assert "a secret" not in caplog.text

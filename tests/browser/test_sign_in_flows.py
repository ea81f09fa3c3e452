"""Ways into a team through other services: an OpenID Connect provider, and mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from dashboard.teams.models import Membership, Team, User
from tests.browser.conftest import Open, Web
from tests.browser.test_look import axe
from tests.mail_sink import MailSink
from tests.oidc_provider import known_there, oidc_provider


@pytest.fixture(scope="module")
def mails() -> Iterator[MailSink]:
    with MailSink.opened() as sink:
        yield sink


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider() as url:
        yield url


@pytest.fixture(scope="module")
def connected(database_url: str, static_files: None, issuer: str, mails: MailSink) -> Iterator[str]:
    """A web process with a provider whose group `staff` is members of a team called search, and with mail."""
    process = Web(database_url)
    process._env |= {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "runboard",
        "OIDC_CLIENT_SECRET": "a secret",
        "OIDC_NAME": "Example",
        "OIDC_GROUPS": "staff=search:member",
        "EMAIL_URL": mails.url,
        "EMAIL_FROM": "runboard@example.org",
    }
    process.start()
    try:
        yield process.url
    finally:
        process.stop()


def test_somebody_signs_in_with_the_provider_and_lands_where_they_wanted(
    open_browser: Open, team: Team, connected: str, issuer: str
) -> None:
    Team.objects.filter(pk=team.pk).update(slug="search")
    known_there(issuer, "grace", name="Grace Hopper", groups=["staff"])
    page = open_browser(base_url=connected, viewport={"width": 360, "height": 740}).new_page()
    page.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.abort())
    page.goto("/launch/")
    assert axe(page) == {}

    page.get_by_role("link", name="Sign in with Example").click()
    page.get_by_placeholder("sub").fill("grace")
    page.get_by_role("button", name="Authorize").click()

    expect(page.get_by_role("heading", name="Launch", exact=False).first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/launch/$"))
    assert Membership.objects.get(user__username="grace").role == "member"

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign in with Example").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
    expect(page.get_by_text("Example did not sign you in.")).to_be_visible()
    page.get_by_role("link", name="Sign in", exact=True).click()
    expect(page.get_by_label("User name")).to_be_visible()


def test_somebody_joins_by_an_invitation_that_came_by_mail(
    open_browser: Open, team: Team, user: User, connected: str, mails: MailSink
) -> None:
    page = open_browser(user, base_url=connected).new_page()
    page.goto("/people/")
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_label("E-mail address").fill("bob@example.org")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("The invitation was sent to bob@example.org.")).to_be_visible()
    mail = mails.mails.get(timeout=10)
    link = re.search(r"http://\S+/accounts/join/\S+/", mail.get_content())
    assert mail["To"] == "bob@example.org"
    assert link is not None

    bob = open_browser(base_url=connected, viewport={"width": 360, "height": 740}).new_page()
    bob.goto(link[0])
    bob.get_by_label("User name").fill("bob")
    bob.get_by_label("Password").fill("long enough for the sea")
    bob.get_by_role("button", name="Join").click()

    expect(bob.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    assert Membership.objects.get(user__username="bob").role == "viewer"


def test_a_forgotten_password_is_reset_by_mail(
    open_browser: Open, team: Team, user: User, connected: str, mails: MailSink
) -> None:
    user.set_password("the old one, forgotten")
    user.email = "ada@example.org"
    user.save()
    page = open_browser(base_url=connected).new_page()
    page.goto("/accounts/login/")

    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_role("textbox").first.fill("ada")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    link = re.search(r"http://\S+/accounts/\S+/", mails.mails.get(timeout=10).get_content())
    assert link is not None
    page.goto(link[0])
    page.get_by_label("New password").fill("a new one for the sea")
    page.get_by_role("button", name="Set password").click()

    page.goto("/accounts/login/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("a new one for the sea")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()

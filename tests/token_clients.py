"""People who make tokens, and programs that sign in with one."""

from __future__ import annotations

from typing import Any

from django.test import Client

from dashboard.teams.models import User

JSON = {"Accept": "application/json"}


def signed_in(user: User) -> Client:
    """A browser in which this person has signed in."""
    browser = Client()
    browser.force_login(user)
    return browser


def made(user: User, *scopes: str, **fields: str) -> tuple[str, str]:
    """A new token of this person: its id, and the token itself."""
    answer = signed_in(user).post("/tokens/", {"name": "nightly", "scopes": scopes, **fields}, headers=JSON)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"], answer.json()["token"]


def asking(token: str) -> Any:
    """A program: no cookie, no CSRF token."""
    return Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token}"})


def entries(admin: User, query: str = "") -> list[dict[str, Any]]:
    """What the audit log shows this admin."""
    found: list[dict[str, Any]] = signed_in(admin).get(f"/audit/{query}", headers=JSON).json()["entries"]
    return found

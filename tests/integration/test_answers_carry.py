"""Every response has its headers, and none is blank."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as project
from django.db import OperationalError
from django.test import Client

from dashboard.teams.models import User
from tests.factories import make_run, make_server, make_team, make_user

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Accept": "application/json"}
NAMES = (
    "Cache-Control",
    "Content-Security-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Cross-Origin-Opener-Policy",
)


@pytest.fixture
def person() -> User:
    team = make_team()
    make_server(team)
    return make_user(team, role="admin")


@pytest.fixture
def browser(person: User) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    return browser


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("get", "/nope/", {}),
        ("get", "/runs", {}),
        ("get", "/runs/", {"HTTP_HOST": "elsewhere.example"}),
        ("get", "/s/nope/", {}),
        ("get", "/s/nope/live/", {}),
        ("get", "/s/nope/result.json", {}),
        ("get", "/accounts/sign-in/nope/", {}),
        ("post", "/runs/", {}),
        ("post", "/accounts/login/", {"CONTENT_TYPE": "text/plain; charset=hex"}),
        ("get", "/runs/3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35.json", {}),
        ("get", "/runs/?before=2026-01-01T00:00:00%2B16:00~3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35", {}),
        ("get", "/runs/?before=0001-01-01T00:00:00%2B23:59~3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35", {}),
        ("get", "/healthz", {}),
        ("get", "/", {}),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_answer_has_its_headers(
    browser: Client, method: str, path: str, given: dict[str, Any], signed_in: bool
) -> None:
    client = browser if signed_in else Client(raise_request_exception=False)
    answer = getattr(client, method)(path, **given)

    assert answer.status_code < 500 or path == "/healthz"
    assert [name for name in NAMES if name not in answer.headers] == []
    assert "no-store" in answer.headers["Cache-Control"]
    if path.startswith(("/s/", "/accounts/sign-in/")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    if answer.status_code >= 400:
        assert answer.content, "a refusal is a page, or JSON"


def test_what_was_typed_by_a_stranger_is_kept_by_no_cache() -> None:
    refused = Client().post("/launch/", {"assistant_id": "chat", "headers": '{"X-Key": "a secret"}'})

    assert refused.status_code == 401
    assert "no-store" in refused.headers["Cache-Control"]


def test_a_method_that_is_not_taken_is_a_page_and_names_those_that_are(browser: Client) -> None:
    page, document = browser.post("/runs/"), browser.post("/runs/", headers=JSON)

    assert page.status_code == document.status_code == 405
    assert "<h1>Not possible here</h1>" in page.content.decode()
    assert "error" in document.json()
    assert page.headers["Allow"] == document.headers["Allow"] == "GET, HEAD"


def test_try_again_leads_nowhere_else(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("dashboard.teams.middleware.memberships_of", away)
    page = browser.get("//evil.example/../runs/").content.decode()
    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", away)
    early = browser.get("//evil.example/").content.decode()

    assert 'href="//evil' not in page + early
    assert "//evil.example" not in early


def test_a_full_disk_is_named(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.disk._full_at", None)  # and it is forgotten after the test

    def full(*args: object, **kwargs: object) -> None:
        try:
            raise psycopg.errors.DiskFull("could not extend file")
        except psycopg.errors.DiskFull as error:
            raise OperationalError(str(error)) from error

    monkeypatch.setattr("dashboard.runs.services.run_launch", full)
    page = browser.post("/launch/", {"assistant_id": "chat"})
    document = browser.post("/launch/", {"assistant_id": "chat"}, headers=JSON)
    health = browser.get("/healthz").json()

    assert page.status_code == document.status_code == 503
    assert "disk" in page.content.decode()
    assert "disk" in document.json()["error"]
    assert "disk" in health["problems"][0]


def test_a_state_folder_without_room_is_named(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0})())

    health = browser.get("/healthz")

    assert health.status_code == 503
    assert str(project.ENV.data_dir) in health.json()["problems"][0]


def test_a_link_is_revoked_through_its_own_run_alone(browser: Client, person: User) -> None:
    team = person.teams.get()
    ours, other = make_run(team=team, by=person), make_run(team=team, by=person)
    made = browser.post(f"/runs/{ours.pk}/share/", {"expires": "7d"}, headers=JSON).json()
    token = made["url"].rstrip("/").rsplit("/", 1)[-1]

    wrong = browser.post(f"/runs/{other.pk}/share/{made['id']}/revoke/", headers=JSON)
    unknown = browser.post(f"/runs/{ours.pk}/share/{other.pk}/revoke/", headers=JSON)
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert Client().get(f"/s/{token}/").status_code == 200
    right = [browser.post(f"/runs/{ours.pk}/share/{made['id']}/revoke/", headers=JSON) for _ in range(2)]

    assert [answer.json()["revoked"] for answer in right] == [True, True]
    assert Client().get(f"/s/{token}/").status_code == 404


def test_no_view_ignores_what_a_service_returns() -> None:
    """A service's return value means something: a caller must not drop it."""
    returns: dict[str, str] = {}
    for path in ROOT.glob("dashboard/*/services*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                returns[f"{path.parent.name}.{node.name}"] = ast.unparse(node.returns)
    dropped = []
    for path in ROOT.glob("dashboard/*/views*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
                continue
            called = node.value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if "bool" in returns.get(f"{path.parent.name}.{name}", ""):
                dropped.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")

    assert dropped == []


PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "k9" * 20 + "-a-long-and-random-enough-secret-key!",
    "RUNBOARD_ENCRYPTION_KEYS": "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",
    "DATABASE_URL": "postgresql://runboard@/runboard?host=/nowhere",
    "ALLOWED_HOSTS": "runs.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://runs.example.org",
}
ASK = """
import django; django.setup()
from django.test import Client
for path, given in (("/healthz", {}), ("/s/nope", {}), ("/s/nope", {"HTTP_X_FORWARDED_PROTO": "https"})):
    answer = Client().get(path, HTTP_HOST="runs.example.org", **given)
    print(answer.status_code, answer.headers.get("Location"), answer.headers.get("Strict-Transport-Security"))
"""


def test_in_production_everything_is_https() -> None:
    env = {**os.environ, **PRODUCTION, "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    check = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=env, capture_output=True, text=True, check=True)

    assert check.returncode == 0, check.stdout + check.stderr
    healthz, redirected, secure = asked.stdout.splitlines()[-3:]
    assert healthz.startswith("503 None")
    assert redirected.startswith("301 https://runs.example.org/s/nope")
    assert "max-age=31536000" in redirected + secure
    assert "max-age=31536000" in secure

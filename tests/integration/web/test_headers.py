"""Every response has the security headers; the settings pass Django's own check."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.test import Client

from tests.factories import make_team, make_user


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/", 200),
        ("/people/", 200),
        ("/accounts/login/", 302),
        ("/nowhere/", 404),
        ("/s/nope/", 404),
        ("/accounts/reset/nope/", 404),
        ("/accounts/openid/", 404),
        ("/runs/x/cancel/", 404),
        ("/people/leave/", 405),
        ("/healthz", 503),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_answer_carries_them(path: str, status: int, accept: str) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(make_user(make_team(), role="admin"))

    answer = browser.get(path, headers={"Accept": accept})

    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "max-age=0" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("openid", [True, False])
def test_djangos_check_of_a_deployment_finds_nothing(openid: bool) -> None:
    env = os.environ | {
        "ALLOWED_HOSTS": "runs.example.org",
        "CSRF_TRUSTED_ORIGINS": "https://runs.example.org",
        "SECRET_KEY": "Zk3vN0xq7uT1sYw5bR8mHj2LcPd9fGa4eKo6iV_QnXzBtWyUrEsDhCJlMpAgI-O7",
    }
    if openid:
        env |= {"OIDC_ISSUER": "https://id.example.org", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "x"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]

    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr

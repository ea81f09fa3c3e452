"""Signing in with a password: throttled, logged, never telling who exists."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import F
from django.test import Client

from dashboard.teams.models import SignInFailures, User
from dashboard.teams.services import team_bootstrap
from dashboard.teams.throttle import FREE_BY_ADDRESS, FREE_BY_NAME, LONGEST_S, throttle_failed, throttle_wait_s
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PASSWORD = "a password for tests"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait is over before the test has looked, however slow the machine."""
    monkeypatch.setattr("dashboard.teams.throttle.FIRST_S", 60)


@pytest.fixture
def person() -> User:
    return make_user(username="ada", password=PASSWORD)


def sign_in(name: str, password: str, address: str = "10.0.0.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/accounts/login/", {"username": name, "password": password})


def later(**age: float) -> None:
    SignInFailures.objects.update(last_at=F("last_at") - timedelta(**age))


@pytest.mark.parametrize("name", ["ada", "nobody of that name"])
def test_after_some_failures_a_name_has_to_wait_whether_it_exists_or_not(person: User, name: str) -> None:
    for number in range(FREE_BY_NAME - 1):
        throttle_failed(name, f"10.0.0.{number}")
    assert sign_in(name, "wrong").status_code == 200

    refused = sign_in(name, PASSWORD, "10.9.9.9")

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "Too many attempts" in refused.content.decode()
    assert sign_in("grace", "wrong").status_code == 200, "others do not wait"


def test_the_wait_grows_and_ends(person: User) -> None:
    waits = []
    for number in range(FREE_BY_NAME + 10):
        throttle_failed("ada", f"10.0.{number}.1")
        waits.append(throttle_wait_s("ada", "10.9.9.9"))

    assert waits[: FREE_BY_NAME - 1] == [0] * (FREE_BY_NAME - 1)
    assert waits == sorted(waits)
    assert LONGEST_S - 5 <= waits[-1] <= LONGEST_S
    later(seconds=LONGEST_S)
    assert sign_in("ada", PASSWORD).status_code == 302
    assert throttle_wait_s("ada", "10.9.9.9") == 0, "it is forgotten"


def test_an_address_that_tries_many_names_has_to_wait(person: User) -> None:
    for number in range(FREE_BY_ADDRESS):
        throttle_failed(f"name {number}", "10.1.1.1")

    assert sign_in("ada", PASSWORD, "10.1.1.1").status_code == 429
    assert sign_in("ada", PASSWORD, "10.1.1.2").status_code == 302


def test_a_network_of_ipv6_is_one_address() -> None:
    for number in range(FREE_BY_ADDRESS):
        throttle_failed(f"name {number}", f"2001:db8::{number:x}")

    assert sign_in("other", "wrong", "2001:db8::ffff").status_code == 429


def test_what_is_refused_costs_no_hash(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(FREE_BY_NAME):
        throttle_failed("ada", "10.0.0.1")
    monkeypatch.setattr(Argon2PasswordHasher, "verify", lambda *_: pytest.fail("a hash was made"))

    assert sign_in("ada", PASSWORD).status_code == 429


@pytest.mark.parametrize("name", ["ada", "nobody", "closed", "passwordless"])
def test_every_failure_costs_one_hash(person: User, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = make_user(username="closed", password=PASSWORD)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    nobody = make_user(username="passwordless")
    nobody.set_unusable_password()
    nobody.save()
    hashes = []
    original = Argon2PasswordHasher.encode
    monkeypatch.setattr(
        Argon2PasswordHasher, "encode", lambda self, *given: hashes.append(given) or original(self, *given)
    )
    verify = Argon2PasswordHasher.verify
    monkeypatch.setattr(
        Argon2PasswordHasher, "verify", lambda self, *given: hashes.append(given) or verify(self, *given)
    )

    answer = sign_in(name, "wrong password")

    assert len(hashes) == 1
    assert "Wrong user name or password" in answer.content.decode()


def test_failures_are_logged_without_the_password(person: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "dashboard.sign_in"):
        sign_in("ada\n2026 forged line", "my other password")

    (record,) = caplog.records
    assert "10.0.0.1" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert "my other password" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_at_most_two_hashes_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    now, lock, go_on = 0, threading.Lock(), threading.Event()

    def verify(*given: object) -> bool:
        nonlocal now
        with lock:
            now += 1
            at_once.append(now)
        go_on.wait(10)
        with lock:
            now -= 1
        return False

    monkeypatch.setattr(Argon2PasswordHasher, "verify", verify)
    monkeypatch.setattr("dashboard.teams.passwords.PATIENCE_S", 0.2)
    for number in range(6):
        make_user(username=f"user {number}", password=PASSWORD)
    statuses: list[int] = []

    def attempt(number: int) -> None:
        statuses.append(sign_in(f"user {number}", "wrong", f"10.0.{number}.1").status_code)
        connections.close_all()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    while statuses.count(429) < 4:
        assert any(thread.is_alive() for thread in threads)
    go_on.set()
    for thread in threads:
        thread.join()

    assert max(at_once) == 2
    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]


# Passwords are validated on every way in.


def test_a_short_first_password_is_refused_with_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOARD_ADMIN_PASSWORD", "short")

    with pytest.raises(CommandError, match=r"^RUNBOARD_ADMIN_PASSWORD is refused: "):
        call_command("local_setup")
    assert not User.objects.exists()


def test_it_is_refused_also_when_the_admin_exists() -> None:
    team_bootstrap(admin_password=PASSWORD)

    with pytest.raises(ValidationError):
        team_bootstrap(admin_password="short")


@pytest.mark.parametrize("make", ["create_user", "create_superuser"])
@pytest.mark.parametrize("password", ["short", "password1234", "bartholomew"])
def test_no_user_is_made_with_a_weak_password(make: str, password: str) -> None:
    with pytest.raises(ValidationError):
        getattr(User.objects, make)("bartholomew", password=password)


def test_the_command_line_refuses_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "short")

    with pytest.raises(CommandError):
        call_command("createsuperuser", interactive=False, username="eve", email="")

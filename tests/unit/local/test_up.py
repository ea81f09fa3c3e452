"""What `manage.py up` checks before it starts or writes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.env import BadSetting
from dashboard.local.up import address, check_environment, host_name, reachable


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    return {"RUNBOARD_DATA": str(tmp_path / "state"), "DEBUG": "true"}


def test_a_first_start_needs_nothing_and_writes_nothing(data: dict[str, str], tmp_path: Path) -> None:
    environment = check_environment(data)

    assert environment.port == 8000
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("LANGGRAPH_URL", "localhost:2024"),
        ("RUNBOARD_WORKER_CONCURRENCY", "0"),
        ("RUNBOARD_ENCRYPTION_KEYS", "short"),
        ("SECRET_KEY", "short"),
        ("CSRF_TRUSTED_ORIGINS", "runs.example.org"),
    ],
)
def test_a_wrong_value_is_named(data: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{variable} "):
        check_environment({**data, variable: value})


def test_with_debug_off_nothing_is_made_up(data: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="SECRET_KEY is missing"):
        check_environment({**data, "DEBUG": "false"})


@pytest.mark.parametrize(("host", "found"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.1", "127.0.0.1")])
def test_the_printed_address_can_be_opened(host: str, found: str) -> None:
    assert reachable(host) == found


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"HOST": "0.0.0.0", "PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"CSRF_TRUSTED_ORIGINS": "https://runs.example.org"}, "https://runs.example.org"),
    ],
)
def test_the_address_is_where_a_browser_finds_it(
    data: dict[str, str], variables: dict[str, str], expected: str
) -> None:
    assert address(check_environment({**data, **variables})) == expected


@pytest.mark.parametrize(
    ("allowed", "name"), [("", "localhost"), ("*", "localhost"), (".example.org", "example.org"), ("a.b,c.d", "a.b")]
)
def test_the_health_check_asks_under_a_name_that_is_answered(data: dict[str, str], allowed: str, name: str) -> None:
    assert host_name(check_environment({**data, "ALLOWED_HOSTS": allowed})) == name

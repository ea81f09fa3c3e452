"""The environment: what is right is read, what is wrong stops the process with a sentence naming its variable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.env import BadSetting, read_environment

ROOT = Path(__file__).resolve().parents[2]
KEY = "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk="
GOOD = {
    "SECRET_KEY": "s" * 50,
    "RUNBOARD_ENCRYPTION_KEYS": KEY,
    "DATABASE_URL": "postgresql://u:p@db/runs",
}


def test_the_defaults() -> None:
    env = read_environment(GOOD)

    assert (env.debug, env.host, env.port, env.worker_concurrency) == (False, "127.0.0.1", 8000, 500)
    assert env.data_dir == ROOT / ".runboard"
    assert env.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "perhaps"),
        ("PORT", "eight"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("RUNBOARD_WORKER_CONCURRENCY", "0"),
        ("RUNBOARD_WORKER_CONCURRENCY", "1.5"),
        ("RUNBOARD_STATE_MAX_MB", "31"),
        ("RUNBOARD_STATE_MAX_MB", "1001"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", ""),
        ("RUNBOARD_ENCRYPTION_KEYS", ""),
        ("RUNBOARD_ENCRYPTION_KEYS", KEY + ",nonsense"),
        ("DATABASE_URL", "mysql://u@h/x"),
        ("DATABASE_URL", "postgresql://host"),
        ("DATABASE_URL", "postgresql://h/x?nosuchoption=1"),
        ("LANGGRAPH_URL", "localhost:2024"),
        ("LANGGRAPH_URL", "ftp://host"),
        ("LANGGRAPH_URL", "http://user:pw@host"),
        ("LANGGRAPH_URL", "http://host:99999"),
        ("LANGGRAPH_URL", "http://host/?x=1"),
        ("LANGGRAPH_API_KEY", "a\nb"),
        ("ALLOWED_HOSTS", "https://runs.example.org"),
        ("CSRF_TRUSTED_ORIGINS", "runs.example.org"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=f"^{variable} ") as caught:
        read_environment({**GOOD, "RUNBOARD_DATA": str(tmp_path), variable: value})

    assert "Fernet.generate_key" in str(caught.value) or KEY not in str(caught.value)


OPENID = {"OIDC_ISSUER": "https://id.example.org/", "OIDC_CLIENT_ID": "runboard", "OIDC_CLIENT_SECRET": "s"}


def test_openid_is_read_whole_or_not_at_all() -> None:
    assert read_environment(GOOD).openid is None

    found = read_environment({**GOOD, **OPENID, "OIDC_GROUPS": "ops=tides:admin, /a=b=moons:viewer"}).openid

    assert found is not None
    assert (found.issuer, found.name, found.groups_claim) == ("https://id.example.org", "OpenID Connect", "groups")
    assert found.groups == (("ops", "tides", "admin"), ("/a=b", "moons", "viewer"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OIDC_ISSUER", "http://id.example.org"),
        ("OIDC_ISSUER", "id.example.org"),
        ("OIDC_CLIENT_ID", ""),
        ("OIDC_CLIENT_SECRET", ""),
        ("OIDC_SCOPES", "profile"),
        ("OIDC_GROUPS", "ops"),
        ("OIDC_GROUPS", "ops=tides"),
        ("OIDC_GROUPS", "ops=tides:owner"),
        ("OIDC_GROUPS", "=tides:admin"),
    ],
)
def test_a_wrong_value_of_openid_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{variable} "):
        read_environment({**GOOD, **OPENID, variable: value})


def test_openid_without_an_issuer_is_refused() -> None:
    with pytest.raises(BadSetting, match="OIDC_ISSUER is not"):
        read_environment({**GOOD, "OIDC_CLIENT_ID": "runboard"})


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://u%40x:p%2Fw@mail.example.org", ("mail.example.org", 587, "u@x", "p/w", "starttls")),
        ("smtps://mail.example.org:4650", ("mail.example.org", 4650, "", "", "tls")),
        ("smtp+plain://127.0.0.1", ("127.0.0.1", 25, "", "", "")),
    ],
)
def test_how_mail_is_sent(url: str, read: tuple[object, ...]) -> None:
    mail = read_environment({**GOOD, "EMAIL_URL": url, "EMAIL_FROM": "r@example.org"}).mail

    assert mail is not None
    assert (mail.host, mail.port, mail.user, mail.password, mail.encryption) == read
    assert read_environment(GOOD).mail is None


@pytest.mark.parametrize("url", ["http://u:hunter2@h", "smtp://u:hunter2@h:x", "smtp://u:hunter2@h/x", "u:hunter2@h"])
def test_a_wrong_mail_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match=r"^EMAIL_URL ") as refused:
        read_environment({**GOOD, "EMAIL_URL": url, "EMAIL_FROM": "r@example.org"})

    assert "hunter2" not in str(refused.value)
    with pytest.raises(BadSetting, match=r"^EMAIL_FROM "):
        read_environment({**GOOD, "EMAIL_URL": "smtp://h"})


def test_without_debug_no_secret_is_taken_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("f" * 50)
    env = {**GOOD, "RUNBOARD_DATA": str(tmp_path), "SECRET_KEY": ""}

    assert read_environment({**env, "DEBUG": "true"}).secret_key == "f" * 50
    with pytest.raises(BadSetting, match="SECRET_KEY is missing"):
        read_environment(env)


def test_without_a_database_the_sentence_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="make run"):
        read_environment({**GOOD, "DATABASE_URL": "", "RUNBOARD_DATA": str(tmp_path)})


def test_every_variable_is_in_the_example_and_in_the_docs() -> None:
    source = (ROOT / "dashboard" / "env.py").read_text() + (ROOT / "dashboard" / "local" / "up.py").read_text()
    read = set(
        re.findall(
            r'"((?:RUNBOARD|LANGGRAPH|OIDC|EMAIL|DATABASE|ALLOWED|CSRF|SECRET)_[A-Z_]+|DEBUG|HOST|PORT)"', source
        )
    )
    assert len(read) >= 12

    example = (ROOT / ".env.example").read_text()
    docs = (ROOT / "docs" / "operations.md").read_text()

    assert [name for name in read if f"{name}=" not in example] == []
    assert [name for name in read if f"`{name}`" not in docs] == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@[::1/db",
        "postgresql://u:hunter2%zz@host/db",
        "postgresql://u:hunter2@host:port:x/db?x",
        "postgresql://u:hunter2@host/db?nonsense",
        "postgresql://u:hunter2@host/db?sslmode=%zz",
        "mysql://u:hunter2@host/db",
        "postgresql://u:hunter2@host",
    ],
)
def test_a_wrong_database_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_environment({**GOOD, "DATABASE_URL": url})

    assert "DATABASE_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_connection_to_postgres_that_dies_silently_is_noticed_within_seconds() -> None:
    from dashboard.settings import _database

    options = _database("postgresql://u:p@db/runs")["OPTIONS"]
    idle = options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"]

    assert idle <= 10
    assert options["tcp_user_timeout"] <= 10_000
    assert options["connect_timeout"] <= 10
    assert _database("postgresql://u:p@db/runs?keepalives_idle=60")["OPTIONS"]["keepalives_idle"] == "60"

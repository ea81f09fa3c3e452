"""Reads the environment once, at start. A wrong value ends the process with a sentence that names its variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed does not know it

from cryptography.fernet import Fernet
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

BASE_DIR = Path(__file__).resolve().parent.parent

# Written below RUNBOARD_DATA by `manage.py up`, so that other commands of the same checkout find the same things.
DATABASE_URL_FILE = "database.url"
SECRET_KEY_FILE = "secret.key"  # noqa: S105 - a file's name
ENCRYPTION_KEYS_FILE = "encryption.keys"


class BadSetting(Exception):
    """An environment variable is missing or wrong. The message names it and says what would be right."""

    def __init__(self, variable: str, sentence: str) -> None:
        super().__init__(f"{variable} {sentence}")
        self.variable = variable


@dataclass(frozen=True)
class OpenID:
    """The OpenID Connect provider. `groups` maps its groups to roles."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    scopes: tuple[str, ...]
    groups_claim: str
    # (group, slug of a team, role), as OIDC_GROUPS has them.
    groups: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Mail:
    """How mail is sent. `encryption`: "starttls", "tls" from the first byte, or "" for none."""

    host: str
    port: int
    user: str
    password: str
    encryption: str
    sender: str


@dataclass(frozen=True)
class Environment:
    """Every variable, typed and checked. Sources: the process environment, then files of `data_dir`."""

    debug: bool
    secret_key: str
    encryption_keys: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    database_url: str
    data_dir: Path
    host: str
    port: int
    langgraph_url: str
    langgraph_api_key: str
    worker_concurrency: int
    lease_s: int
    stop_grace_s: int
    state_max_mb: int
    body_max_mb: int
    http_proxy: str
    https_proxy: str
    no_proxy: str
    openid: OpenID | None
    mail: Mail | None

    def proxy_for(self, url: str) -> str:
        """The environment's proxy for an address; "" for none, as always for loopback."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_own = host == "localhost" or host == "::1" or host.startswith("127.")
        if is_own or proxy_bypass_environment(host, {"no": self.no_proxy}):
            return ""
        return self.https_proxy if parts.scheme == "https" else self.http_proxy


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Read and check the environment.

    Raises:
        BadSetting: a variable is missing or wrong; nothing was started.
    """
    env = os.environ if environ is None else environ
    debug = debug_of(env)
    data_dir = data_dir_of(env)
    host = env.get("HOST", "").strip() or "127.0.0.1"
    return Environment(
        debug=debug,
        secret_key=_secret_key(env, debug, data_dir),
        encryption_keys=_encryption_keys(env, debug, data_dir),
        allowed_hosts=_allowed_hosts(env, debug, host),
        csrf_trusted_origins=_origins(env),
        database_url=_database_url(env, data_dir),
        data_dir=data_dir,
        host=host,
        port=_integer(env, "PORT", default=8000, low=1, high=65535),
        langgraph_url=http_url(env, "LANGGRAPH_URL"),
        langgraph_api_key=_header_value(env, "LANGGRAPH_API_KEY"),
        worker_concurrency=_integer(env, "RUNBOARD_WORKER_CONCURRENCY", default=500, low=1, high=20_000),
        lease_s=_integer(env, "RUNBOARD_LEASE_S", default=20, low=4, high=600),
        stop_grace_s=_integer(env, "RUNBOARD_STOP_GRACE_S", default=30, low=0, high=86_400),
        state_max_mb=_integer(env, "RUNBOARD_STATE_MAX_MB", default=256, low=32, high=1_000),
        http_proxy=_proxy(env, "HTTP_PROXY"),
        https_proxy=_proxy(env, "HTTPS_PROXY"),
        no_proxy=_either_case(env, "NO_PROXY"),
        body_max_mb=_integer(env, "RUNBOARD_BODY_MAX_MB", default=20, low=1, high=1_000),
        openid=_openid(env),
        mail=_mail(env),
    )


def data_dir_of(env: Mapping[str, str]) -> Path:
    """The state folder (RUNBOARD_DATA), absolute. It need not exist yet."""
    text = env.get("RUNBOARD_DATA", "").strip()
    return (Path(text).expanduser() if text else BASE_DIR / ".runboard").absolute()


def debug_of(env: Mapping[str, str]) -> bool:
    """Whether DEBUG is on: for one's own machine, where missing secrets are made."""
    return _flag(env, "DEBUG", default=False)


def http_url(env: Mapping[str, str], variable: str) -> str:
    """An http(s) address without a trailing slash, or "" when the variable is not set."""
    text = env.get(variable, "").strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadSetting(variable, f"is no address: {error}. Give one like http://127.0.0.1:2024") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadSetting(variable, f"must start with http:// or https:// and name a host; it is {text!r}")
    if parts.username is not None or parts.password is not None:
        raise BadSetting(variable, "must not hold a user name or password; give a key in LANGGRAPH_API_KEY")
    if parts.query or parts.fragment:
        raise BadSetting(variable, "must be the server's base address, without ? or #")
    return text.rstrip("/")


def _openid(env: Mapping[str, str]) -> OpenID | None:
    """The provider of OpenID Connect; None when OIDC_ISSUER is not set."""
    names = ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME", "OIDC_SCOPES", "OIDC_GROUPS_CLAIM", "OIDC_GROUPS")
    given = {name: env.get(name, "").strip() for name in names}
    issuer = http_url(env, "OIDC_ISSUER")
    if not issuer:
        for name in (name for name, value in given.items() if value):
            raise BadSetting(name, "is set, but OIDC_ISSUER is not: give the provider's address there")
        return None
    if issuer.startswith("http://") and urlsplit(issuer).hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise BadSetting("OIDC_ISSUER", "must start with https://, because who may sign in is decided there")
    for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        if not given[name]:
            raise BadSetting(name, "is missing: the provider gives it to you when Runboard is registered there")
    scopes = tuple(given["OIDC_SCOPES"].split()) or ("openid", "profile", "email")
    if "openid" not in scopes:
        raise BadSetting("OIDC_SCOPES", "must hold openid, for example: openid profile email groups")
    return OpenID(
        issuer=issuer,
        client_id=given["OIDC_CLIENT_ID"],
        client_secret=given["OIDC_CLIENT_SECRET"],
        name=given["OIDC_NAME"] or "OpenID Connect",
        scopes=scopes,
        groups_claim=given["OIDC_GROUPS_CLAIM"] or "groups",
        groups=tuple(_group(entry) for entry in _words(env, "OIDC_GROUPS")),
    )


def _group(entry: str) -> tuple[str, str, str]:
    """One entry of OIDC_GROUPS: "ops=search-quality:admin"."""
    group, _, there = entry.rpartition("=")
    team, _, role = there.strip().rpartition(":")
    if not group.strip() or not team or role not in {"admin", "member", "viewer"}:
        raise BadSetting(
            "OIDC_GROUPS",
            "takes entries like group=team:role with commas between, the team by its short name and the role one of "
            f"admin, member, viewer; {entry!r} is none",
        )
    return group.strip(), team, role


MAIL = {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("", 25)}


def _mail(env: Mapping[str, str]) -> Mail | None:
    """How mail is sent; None when EMAIL_URL is not set."""
    url, sender = env.get("EMAIL_URL", "").strip(), env.get("EMAIL_FROM", "").strip()
    if not url:
        return None
    right = "give smtp://user:password@host:587 (STARTTLS), smtps://...:465, or smtp+plain://host for a relay of yours"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadSetting("EMAIL_URL", f"is no address: {right}") from None
    if parts.scheme not in MAIL or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSetting("EMAIL_URL", f"is not understood: {right}")
    if "@" not in sender or "\n" in sender:
        raise BadSetting("EMAIL_FROM", "must be the address that mails come from, as runboard@example.org")
    encryption, usual = MAIL[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mail(parts.hostname, port or usual, user, password, encryption, sender)


def _proxy(env: Mapping[str, str], variable: str) -> str:
    """An http(s) proxy's address as other programs take it, a bare host:port too; "" when the variable is not set."""
    text = _either_case(env, variable)
    if not text:
        return ""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadSetting(variable, f"is no address: {error}. Give one like http://proxy.example.org:3128") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadSetting(variable, "must be the address of an http:// or https:// proxy, others are not supported")
    return url


def _either_case(env: Mapping[str, str], variable: str) -> str:
    return env.get(variable.lower(), "").strip() or env.get(variable, "").strip()


def _flag(env: Mapping[str, str], variable: str, *, default: bool) -> bool:
    text = env.get(variable, "").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(variable, f"must be true or false; it is {env[variable]!r}")


def _integer(env: Mapping[str, str], variable: str, *, default: int, low: int, high: int) -> int:
    text = env.get(variable, "").strip()
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        raise BadSetting(variable, f"must be a whole number from {low} to {high}; it is {text!r}") from None
    if not low <= number <= high:
        raise BadSetting(variable, f"must be from {low} to {high}; it is {number}")
    return number


def _words(env: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in env.get(variable, "").split(",") if word.strip())


def _secret_key(env: Mapping[str, str], debug: bool, data_dir: Path) -> str:
    key = env.get("SECRET_KEY", "").strip() or (_read(data_dir / SECRET_KEY_FILE) if debug else "")
    if not key:
        raise BadSetting(
            "SECRET_KEY",
            "is missing: set it to a long random text (python -c 'import secrets; print(secrets.token_urlsafe(50))'). "
            "On your own machine, `make run` makes one",
        )
    if len(key) < 32:
        raise BadSetting("SECRET_KEY", f"is too short: it has {len(key)} characters, at least 32 are needed")
    return key


def _encryption_keys(env: Mapping[str, str], debug: bool, data_dir: Path) -> tuple[str, ...]:
    variable = "RUNBOARD_ENCRYPTION_KEYS"
    keys = _words(env, variable)
    if not keys and debug:
        keys = tuple(_read(data_dir / ENCRYPTION_KEYS_FILE).split())
    if not keys:
        raise BadSetting(
            variable,
            "is missing: set it to one or more Fernet keys, newest first, with commas between "
            "(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')",
        )
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise BadSetting(variable, f"is wrong: key {number} is not 32 bytes in URL-safe base64") from None
    return keys


def _allowed_hosts(env: Mapping[str, str], debug: bool, host: str) -> tuple[str, ...]:
    hosts = _words(env, "ALLOWED_HOSTS")
    for name in hosts:
        if "/" in name or "://" in name:
            raise BadSetting("ALLOWED_HOSTS", f"takes host names without scheme or path; {name!r} has one")
    if hosts:
        return hosts
    local = ("localhost", "127.0.0.1", "[::1]")
    return (*local, host) if host not in {*local, "0.0.0.0", "::"} else local  # noqa: S104 - compared, not bound


def _origins(env: Mapping[str, str]) -> tuple[str, ...]:
    origins = _words(env, "CSRF_TRUSTED_ORIGINS")
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}:
            raise BadSetting("CSRF_TRUSTED_ORIGINS", f"takes origins like https://runs.example.org; {origin!r} is none")
    return tuple(origin.rstrip("/") for origin in origins)


def _database_url(env: Mapping[str, str], data_dir: Path) -> str:
    url = env.get("DATABASE_URL", "").strip()
    if url:
        check_database_url(url)
        return url
    url = _read(data_dir / DATABASE_URL_FILE)
    if not url:
        raise BadSetting(
            "DATABASE_URL",
            "is missing and no embedded Postgres has been made here yet: "
            "set it to postgresql://user:password@host/name, or start everything with `make run`",
        )
    return url


def check_database_url(url: str) -> None:
    """Raise BadSetting unless `url` is an address of a Postgres database. Does not connect."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadSetting("DATABASE_URL", "must start with postgresql:// (Runboard keeps its truth in Postgres only)")
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        # What libpq quotes may be the password.
        reason = re.sub(r'"[^"]*"?', "...", str(error).strip())
        raise BadSetting("DATABASE_URL", f"is not understood: {reason}") from None
    if not parts.get("dbname"):
        raise BadSetting("DATABASE_URL", "names no database: give postgresql://user:password@host/name")


def _header_value(env: Mapping[str, str], variable: str) -> str:
    value = env.get(variable, "").strip()
    if any(ord(character) < 32 or ord(character) > 126 for character in value):
        raise BadSetting(variable, "holds a character that no HTTP header may hold")
    return value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise BadSetting("RUNBOARD_DATA", f"holds {path.name}, which cannot be read: {error.strerror}") from error

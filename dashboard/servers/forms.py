"""The form of a server's settings. Secrets can be written and never read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from django import forms
from django.core.exceptions import ValidationError

from dashboard.langgraph.addresses import host_problem
from dashboard.servers.headers import MASK, clean_headers
from dashboard.servers.models import API_KEY_HEADER, DEFAULT_TIMEOUT_S, Server
from dashboard.servers.selectors import server_list
from dashboard.servers.services import ServerSettings
from dashboard.teams.encryption import SecretUnreadable, secrets_decrypt
from dashboard.teams.models import Team

MONTH_S = 30 * 24 * 3600
WHOLE_SECONDS = {
    "invalid": "Give whole seconds, for example 60.",
    "min_value": "Give at least %(limit_value)d seconds.",
    "max_value": "Give at most %(limit_value)d seconds.",
}


def _seconds(low: int, high: int, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=low,
        max_value=high,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=WHOLE_SECONDS,
        **kwargs,
    )


class ServerForm(forms.Form):
    """A server's settings. Fields that a POST leaves out keep their value, or have their default."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        help_text="What your team calls it.",
        error_messages={"required": "Give it a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    url = forms.CharField(
        max_length=500,
        label="Address",
        help_text="The address of its API, with its path if it has one.",
        error_messages={"required": "Give its address, like https://langgraph.example.org."},
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    api_key = forms.CharField(
        required=False,
        max_length=2000,
        label="API key",
        help_text="Sent as x-api-key. Stored encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    forget_api_key = forms.BooleanField(required=False, label="Forget the API key")
    headers = forms.CharField(
        required=False,
        max_length=20_000,
        label="Extra headers",
        help_text="One per line, like Authorization: Bearer …, or a JSON object. Stored encrypted and never shown "
        "again; dots stand for a stored value.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )
    max_runs = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        label="Runs at once",
        help_text="How many may be at work there at the same time, over all workers; others wait in the queue. Empty: "
        "any number.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "Give a whole number, or nothing.", "min_value": "Give 1 or more, or nothing."},
    )
    timeout_s = _seconds(
        6,
        MONTH_S,
        label="Longest silence, seconds",
        help_text="Runboard reconnects after this much silence. Servers that send heartbeats do so "
        "every 5 s; give one that does not as long as its runs take. Empty: no limit.",
    )
    retry_for_s = _seconds(
        0,
        MONTH_S,
        label="Try again for, seconds",
        help_text="How long a run waits for a server that is away before it fails.",
    )
    proxy = forms.CharField(
        required=False,
        max_length=500,
        label="Proxy",
        help_text="An http:// or https:// proxy that allows CONNECT, with user and password if it wants them. Empty: "
        "what HTTPS_PROXY and HTTP_PROXY name.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    allow_private = forms.BooleanField(
        required=False,
        label="Allow private addresses",
        help_text="Otherwise Runboard only connects to public addresses, so nobody reaches your network through it.",
    )
    stream_events = forms.BooleanField(
        required=False,
        label="Follow steps while a run is going on",
        help_text="Turn this off for a server that cannot stream or slows down when it does.",
    )
    trace_url = forms.CharField(
        required=False,
        max_length=500,
        label="Trace link",
        help_text="Leads from a run's page to its trace, like https://traces.example.org/runs/{run_id}. {run_id} and "
        "{thread_id} stand for the server's ids. Empty: no link.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, team: Team, server: Server | None = None) -> None:
        self.team, self.server = team, server
        self.stored = _stored(server)
        initial = self._initial()
        if data is not None:
            data = {**initial, **{name: data[name] for name in self.base_fields if name in data}}
        super().__init__(data, initial=initial)
        for name, field in self.fields.items():
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_help"

    @property
    def has_api_key(self) -> bool:
        """Whether a key is stored; the key itself is never shown."""
        return API_KEY_HEADER in {name.lower() for name in self.stored}

    def _initial(self) -> dict[str, Any]:
        server = self.server
        if server is None:
            return {"timeout_s": DEFAULT_TIMEOUT_S, "retry_for_s": 900, "stream_events": True}
        names = [name for name in self.stored if name.lower() != API_KEY_HEADER]
        kept = (
            "name", "url", "max_runs", "timeout_s", "retry_for_s", "proxy", "allow_private", "stream_events",
            "trace_url",
        )  # fmt: skip
        proxy = f"{MASK}@{server.proxy}" if server.secret_proxy else server.proxy
        values = {name: getattr(server, name) for name in kept}
        return values | {"headers": "\n".join(f"{name}: {MASK}" for name in names), "proxy": proxy}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = server_list(self.team).filter(name=name)
        if self.server is not None:
            others = others.exclude(pk=self.server.pk)
        if others.exists():
            raise ValidationError("Your team already has a server of this name.")
        return name

    def clean_url(self) -> str:
        text: str = self.cleaned_data["url"]
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError as error:
            raise ValidationError(f"This is not an address: {error}.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
            raise ValidationError(
                "Give an address that starts with https:// or http://, like https://host.example.org."
            )
        if parts.username is not None or parts.password is not None:
            raise ValidationError("Leave user name and password out of the address; give a header for them.")
        if parts.query or parts.fragment:
            raise ValidationError("Give the server's base address, without ? or #.")
        return text.rstrip("/")

    def clean_trace_url(self) -> str:
        text: str = self.cleaned_data["trace_url"]
        if not text:
            return text
        origin, _, place = text.partition("://")[2].partition("/")
        try:
            parts = urlsplit(text)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in origin
        except ValueError:
            is_address = False
        if not is_address or "{" in origin or any(c.isspace() for c in text):
            raise ValidationError("Give an address that starts with https:// or http://.")
        if "{run_id}" not in place and "{thread_id}" not in place:
            raise ValidationError("Put {run_id} or {thread_id} where the id goes.")
        return text

    def clean_retry_for_s(self) -> int:
        seconds: int | None = self.cleaned_data["retry_for_s"]
        return 900 if seconds is None else seconds

    def clean_headers(self) -> dict[str, str]:
        return clean_headers(_parse_headers(self.cleaned_data["headers"]))

    def clean_api_key(self) -> str:
        key: str = self.cleaned_data["api_key"]
        if key:
            clean_headers({API_KEY_HEADER: key})
        return key

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        host = urlsplit(data.get("url", "")).hostname or ""
        if not data.get("allow_private") and (problem := host_problem(host)):
            self.add_error("url", f"{problem}. If that is right, allow private addresses below.")
        if "url" in data and "headers" in data:
            data["secrets"] = self._secrets(data)
        if "proxy" in data:
            self._clean_proxy(data)
        return data

    def _secrets(self, data: dict[str, Any]) -> dict[str, str]:
        """Every header the server gets. Stored values go only to the address they were typed for."""
        leads_elsewhere = self.server is not None and _origin(data["url"]) != _origin(self.server.url)
        stored = {} if leads_elsewhere else {name.lower(): value for name, value in self.stored.items()}
        headers: dict[str, str] = data["headers"]
        missing = [name for name, value in headers.items() if value == MASK and name.lower() not in stored]
        if missing:
            why = "The address leads to another server now" if leads_elsewhere else "Its value is no longer known"
            self.add_error("headers", f"Type the value of {', '.join(missing)} again. {why}.")
        found = {name: stored.get(name.lower(), value) if value == MASK else value for name, value in headers.items()}
        named = any(name.lower() == API_KEY_HEADER for name in headers)
        if data.get("api_key"):
            found = {name: value for name, value in found.items() if name.lower() != API_KEY_HEADER}
            found[API_KEY_HEADER] = data["api_key"]
        elif self.has_api_key and not named and not data.get("forget_api_key"):
            if leads_elsewhere:
                self.add_error(
                    "api_key", "Type the API key again, or forget it: the address leads to another server now."
                )
            else:
                found[API_KEY_HEADER] = stored[API_KEY_HEADER]
        return found

    def _clean_proxy(self, data: dict[str, Any]) -> None:
        data["proxy_secret"] = {}
        text = data["proxy"]
        if not text:
            return
        if self.server is not None and self.server.secret_proxy and text == f"{MASK}@{self.server.proxy}":
            data["proxy"], data["proxy_secret"] = self.server.proxy, _decrypted(self.server.secret_proxy)
            return
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
            self.add_error("proxy", "Give an http:// or https:// address, like http://proxy.example.org:3128.")
            return
        if not data.get("allow_private") and (problem := host_problem(parts.hostname)):
            self.add_error("proxy", f"{problem}. If that is right, allow private addresses below.")
        if parts.username or parts.password:
            data["proxy_secret"] = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
        data["proxy"] = urlunsplit(
            parts._replace(netloc=parts.netloc.rpartition("@")[2], path="", query="", fragment="")
        )

    def settings(self) -> ServerSettings:
        """The settings for the services. Only for a valid form."""
        data = self.cleaned_data
        return ServerSettings(
            name=data["name"],
            url=data["url"],
            headers=data["secrets"],
            max_runs=data["max_runs"],
            timeout_s=data["timeout_s"],
            retry_for_s=data["retry_for_s"],
            proxy=data["proxy"],
            proxy_secret=data["proxy_secret"],
            allow_private=data["allow_private"],
            stream_events=data["stream_events"],
            trace_url=data["trace_url"],
        )


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _stored(server: Server | None) -> dict[str, str]:
    return _decrypted(server.secret_headers) if server is not None else {}


def _decrypted(secret: bytes | memoryview) -> dict[str, str]:
    try:
        return secrets_decrypt(secret)
    except SecretUnreadable:
        return {}


def _parse_headers(text: str) -> dict[str, Any]:
    """`Name: value` lines, or a JSON object."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise ValidationError('This is not a JSON object like {"X-Team": "search"}.') from None
        return dict(found)
    headers: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise ValidationError(f"“{line.strip()[:40]}” has no colon: write Name: value, one a line.")
        if name.strip() in headers:
            raise ValidationError(f"{name.strip()} stands twice.")
        headers[name.strip()] = value.strip()
    return headers

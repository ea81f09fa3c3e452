"""Requests as people, programs and attackers might send them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.urls import NoReverseMatch, URLPattern, reverse
from hypothesis import strategies as st

from tests.integration.test_access import WHO, House, address, addresses

ROOT = Path(__file__).resolve().parents[2]
METHODS = (*["get"] * 8, *["post"] * 8, "head", "put", "delete", "options", "patch")
MOSTLY = (*["admin"] * 12, *["member"] * 4, *WHO)
"""Those who get in reach more."""
TYPES = ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/plain", "")
WORDS = [
    *("", "0", "-1", "1", "true", "null", "NaN", "1e999", "9" * 30, "2026-01-01", "2026-02-30T25:00+99:00", "today"),
    *(
        "{}",
        "[]",
        '{"a": 1}',
        '{"a": ',
        '{"\\ud800": "\\udfff"}',
        "[" * 400,
        '"x"',
        "/a/0",
        "/~2",
        "%00",
        "\x00",
        "\ud800",
    ),
    *("é\u202e\u200b", "😀", "a" * 5_000, "<script>alert(1)</script>", "{{ 7|add:7 }}", "'; DROP TABLE runs_run; --"),
    *(
        "../../etc/passwd",
        "//evil.example/",
        "http://169.254.169.254/",
        "javascript:alert(1)",
        "a=b&c=d",
        "status=failed",
    ),
    *("succeeded", "failed", "open", "interrupt", "rollback", "existing", "stateless", "enqueue", "python", "admin"),
]
_NAMES = re.compile(r"""(?:name="|(?:GET|POST|getlist)(?:\.get)?\(["']|\.get\(["'])([a-z_]{1,40})""")
_EVERY_WORD = st.sampled_from(WORDS) | st.text(max_size=40) | st.integers().map(str) | st.uuids().map(str)


@cache
def field_names() -> list[str]:
    """Every name that a template gives to a field, or a view asks for."""
    files = [
        *ROOT.glob("templates/**/*.html"),
        *ROOT.glob("dashboard/**/*view*.py"),
        *ROOT.glob("dashboard/**/form*.py"),
    ]
    found = {name for path in files for name in _NAMES.findall(path.read_text())}
    return sorted(found | {"input/topic", "answer/q", "with/config", "all/q", "path", "tz", "input.topic"})


@dataclass(frozen=True)
class Asked:
    """A request before it is sent: `path` is None for the address as it should be."""

    who: str
    name: str
    method: str
    parts: dict[str, str] | None
    query: list[tuple[str, str]] = field(default_factory=list)
    form: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def pairs(most: int) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(field_names()), _EVERY_WORD), max_size=most)


def headers() -> st.SearchStrategy[dict[str, str]]:
    """Those that views look at; a value for a header may not have line breaks, as no server lets it through."""
    plain = _EVERY_WORD.map(lambda text: re.sub(r"[^\x20-\x7e]", "?", text)[:500])
    return st.fixed_dictionaries(
        {"Accept": st.sampled_from(["text/html", "application/json", "*/*", "nonsense;q=x"])},
        optional={
            "HX-Request": st.just("true"),
            "HX-Target": plain,
            "HX-Current-URL": plain,
            "Referer": plain,
            "Origin": plain,
            "X-Forwarded-For": plain,
            "Range": plain,
            "If-None-Match": plain,
        },
    )


def asked() -> st.SearchStrategy[Asked]:
    """Any request of anybody to any address."""
    names = sorted(addresses())
    return st.builds(
        Asked,
        who=st.sampled_from(MOSTLY),
        name=st.sampled_from(names),
        method=st.sampled_from(METHODS),
        parts=st.none() | st.none() | st.dictionaries(st.sampled_from(["*"]), _EVERY_WORD, min_size=1),
        query=pairs(4),
        form=pairs(8),
        content_type=st.sampled_from((*TYPES[:1] * 6, *TYPES)),
        body=st.none()
        | st.none()
        | st.none()
        | st.none()
        | st.binary(max_size=200)
        | st.sampled_from(WORDS).map(_bytes),
        headers=headers(),
    )


def path_of(house: House, request: Asked, pattern: URLPattern) -> str:
    """Where it goes: to the thing the house has, or, with a hostile part, to one that it hardly has."""
    if request.parts is None:
        return address(house, request.name, pattern, request.who).split("?")[0]
    kinds = {name: type(converter).__name__ for name, converter in pattern.pattern.converters.items()}
    word = request.parts["*"].replace("/", "")[:200] or "x"
    parts: dict[str, Any] = {}
    for name, kind in kinds.items():
        known = house.objects.get(name)
        parts[name] = known if kind != "StringConverter" or "\ud800" in word else word
        if parts[name] is None:
            parts[name] = word
    try:
        return reverse(request.name, kwargs=parts)
    except (NoReverseMatch, UnicodeEncodeError):  # a part that the address cannot have
        return "/" + word.encode("utf-8", "replace").decode().lstrip("/")


def body_of(request: Asked) -> bytes:
    """What it carries."""
    if request.body is not None:
        return request.body
    if request.content_type == "application/json":
        return json.dumps(dict(request.form)).encode()
    if request.content_type.startswith("multipart"):
        head = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        return b"".join(b"--x\r\n" + _bytes(head.format(*pair)) for pair in request.form) + b"--x--\r\n"
    return quoted(request.form)


def quoted(found: list[tuple[str, str]]) -> bytes:
    """Names and values as a query string."""
    from urllib.parse import quote_from_bytes

    return "&".join(f"{quote_from_bytes(_bytes(a))}={quote_from_bytes(_bytes(b))}" for a, b in found).encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

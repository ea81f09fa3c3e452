"""A launch as code: the same call in Python, JavaScript and curl, as JSON, and as a link.

None contains a secret: environment variables stand for header values.
"""

from __future__ import annotations

import json
import pprint
import re
import shlex
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.langgraph.payload import run_payload
from dashboard.launch.prefill import controls_of
from dashboard.runs.models import Run, ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.servers.models import API_KEY_HEADER
from dashboard.teams.encryption import SecretUnreadable

KEY_VARIABLE = "LANGGRAPH_API_KEY"
LINK_MAX_CHARS = 16_000
WIDTH = 100
_SAFE_INTEGER = 2**53 - 1
# The names of the JavaScript SDK where they are not simply in camel case.
_JAVASCRIPT = {"langsmith_tracing": "_langsmithTracer"}
_NOT_IN_JAVASCRIPT = ("params", "strict_resume", "headers")
_BODY = (
    "input command metadata config context checkpoint checkpoint_id checkpoint_during interrupt_before interrupt_after "
    "webhook on_disconnect on_completion multitask_strategy if_not_exists after_seconds langsmith_tracing durability "
    "strict_resume"
).split()


@dataclass(frozen=True)
class Call:
    """One call of `wait`.

    `thread_id` is None for a stateless run. `key` is whether the server wants an API key; `server_headers` and
    `headers` are names of further headers, whose values are secrets.
    """

    url: str
    server_id: str
    assistant_id: str
    thread_id: str | None
    thread_choice: str
    params: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    key: bool = False
    server_headers: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """A call in one language. `language` is for the page; `note` is what to know about it."""

    key: str
    title: str
    text: str
    note: str = ""


def call_of_run(run: Run) -> Call:
    """The call of a run; on a new thread if it was launched on one."""
    params = dict(run.request.params)
    names = tuple(params.pop("headers", None) or ())
    thread_id = run.remote_thread_id if run.thread_choice == ThreadChoice.EXISTING else None
    order = LaunchOrder(
        server=run.server,
        assistant_id=run.assistant_id,
        thread_choice=ThreadChoice(run.thread_choice),
        thread_id=thread_id,
        params=params,
        headers=dict.fromkeys(names, ""),
        tags=run.tags,
    )
    return call_of_order(order)


def call_of_order(order: LaunchOrder) -> Call:
    """The call of a filled form."""
    params = dict(order.params)
    thread_id = order.thread_id
    if order.thread_choice == ThreadChoice.NEW:
        thread_id, params["if_not_exists"] = str(uuid.uuid4()), "create"
    elif order.thread_choice == ThreadChoice.STATELESS:
        thread_id = None
    try:
        server_headers = tuple(order.server.headers())
    except SecretUnreadable:
        server_headers = ()
    return Call(
        url=order.server.url,
        server_id=str(order.server.pk),
        assistant_id=order.assistant_id,
        thread_id=thread_id,
        thread_choice=order.thread_choice,
        params=params,
        tags=tuple(order.tags),
        key=any(name.lower() == API_KEY_HEADER for name in server_headers),
        server_headers=tuple(name for name in server_headers if name.lower() != API_KEY_HEADER),
        headers=tuple(order.headers),
    )


def codes_of(call: Call, *, origin: str) -> list[Code]:
    """The call in every language. `origin`: this Runboard's address, for the link."""
    return [write(call, origin) for write in _WRITERS.values()]


def code_of(call: Call, kind: str, *, origin: str) -> Code | None:
    """One of them; None for an unknown language."""
    write = _WRITERS.get(kind)
    return write(call, origin) if write else None


# Python.


def _python(call: Call, origin: str) -> Code:
    client = [f"url={call.url!r}", f"api_key=os.environ[{KEY_VARIABLE!r}]" if call.key else "api_key=None"]
    if call.server_headers:
        client.append(f"headers={_python_headers(call.server_headers)}")
    arguments = [f"{call.thread_id!r},{_new_thread(call, '#')}", f"{call.assistant_id!r},"]
    arguments += [f"{name}={_literal(value, len(name) + 9)}," for name, value in call.params.items()]
    if call.headers:
        arguments.append(f"headers={_python_headers(call.headers)},")
    lines = ["import asyncio", "import os", "", "from langgraph_sdk import get_client", "", ""]
    if "os.environ" not in "".join(client + arguments):
        lines.remove("import os")
    lines += [
        "async def main():",
        f"    client = get_client({', '.join(client)})",
        "    state = await client.runs.wait(",
    ]
    lines += [f"        {argument}" for argument in arguments]
    lines += ["    )", "    print(state)", "", "", "asyncio.run(main())", ""]
    return Code("python", "Python", "\n".join(lines), "Needs the package langgraph-sdk.")


def _literal(value: Any, indent: int) -> str:
    return pprint.pformat(value, sort_dicts=False, width=WIDTH - indent).replace("\n", "\n" + " " * indent)


def _python_headers(names: tuple[str, ...]) -> str:
    return "{" + ", ".join(f"{name!r}: os.environ[{_variable(name)!r}]" for name in names) + "}"


def _variable(header: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", header.upper()).strip("_") or "HEADER"


def _new_thread(call: Call, mark: str) -> str:
    return f"  {mark} a new thread; another id makes another" if call.thread_choice == ThreadChoice.NEW else ""


# JavaScript.


def _javascript(call: Call, origin: str) -> Code:
    options = [f"apiUrl: {_json(call.url)}", f"apiKey: process.env.{KEY_VARIABLE}" if call.key else "apiKey: null"]
    names = (*call.server_headers, *call.headers)
    if names:
        values = ", ".join(f"{_json(name)}: process.env.{_variable(name)}" for name in names)
        options.append(f"defaultHeaders: {{ {values} }}")
    lines = [
        'import { Client } from "@langchain/langgraph-sdk";',
        "",
        f"const client = new Client({{ {', '.join(options)} }});",
    ]
    lines += ["const state = await client.runs.wait(", f"  {_json(call.thread_id)},{_new_thread(call, '//')}"]
    lines += [f"  {_json(call.assistant_id)},", "  {"]
    left_out = []
    for name, value in call.params.items():
        if name in _NOT_IN_JAVASCRIPT:
            left_out.append(name)
            continue
        if name == "langsmith_tracing" and isinstance(value, dict):
            value = {_camel(key): member for key, member in value.items()}
        lines.append(f"    {_JAVASCRIPT.get(name, _camel(name))}: {_json(value, indent=2, by=4)},")
    lines += ["  },", ");", "console.log(state);", ""]
    notes = ["Needs the package @langchain/langgraph-sdk."]
    if left_out:
        notes.append(f"The JavaScript SDK has no {', '.join(left_out)}: left out.")
    if _has_large_numbers(call.params):
        notes.append("Whole numbers beyond 9007199254740991 change in JavaScript.")
    return Code("javascript", "JavaScript", "\n".join(lines), " ".join(notes))


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _has_large_numbers(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_large_numbers(member) for member in value.values())
    if isinstance(value, list | tuple):
        return any(_has_large_numbers(member) for member in value)
    return isinstance(value, int) and abs(value) > _SAFE_INTEGER


def _json(value: Any, *, indent: int | None = None, by: int = 0) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair is no text that could be copied
        text = json.dumps(value, indent=indent)
    return text.replace("\n", "\n" + " " * by)


# curl.


def _curl(call: Call, origin: str) -> Code:
    path = f"/threads/{call.thread_id}/runs/wait" if call.thread_id else "/runs/wait"
    query = urlencode(call.params["params"], doseq=True) if call.params.get("params") else ""
    lines = [f"curl -sS -X POST {shlex.quote(call.url + path + ('?' + query if query else ''))} \\"]
    lines.append("  -H 'Content-Type: application/json' \\")
    if call.key:
        lines.append(f'  -H "x-api-key: ${KEY_VARIABLE}" \\')
    lines += [f'  -H "{name}: ${_variable(name)}" \\' for name in (*call.server_headers, *call.headers)]
    lines += ["  --data-binary @- <<'JSON'", _json(body_of(call), indent=2), "JSON", ""]
    return Code(
        "curl", "curl", "\n".join(lines), "The answer begins with line breaks, which keep the connection alive."
    )


def body_of(call: Call) -> dict[str, Any]:
    """What goes over the wire."""
    given: dict[str, Any] = {name: call.params.get(name) for name in _BODY}
    return run_payload(call.assistant_id, **given)


# JSON and link.


def _as_json(call: Call, origin: str) -> Code:
    document = {"thread_id": call.thread_id, "assistant_id": call.assistant_id, **call.params}
    return Code("json", "JSON", _json(document, indent=2) + "\n", "The arguments of wait under their own names.")


def _link(call: Call, origin: str) -> Code:
    """The address of the filled form: it never launches, and holds no header."""
    params = {name: value for name, value in call.params.items() if name != "headers"}
    values: dict[str, Any] = {"params": params, "thread": call.thread_choice, "tags": list(call.tags)}
    if call.thread_choice == ThreadChoice.EXISTING:
        values["thread_id"] = call.thread_id
    else:
        params.pop("if_not_exists", None)
    controls = controls_of(values, server_id=call.server_id, assistant_id=call.assistant_id)
    shown = {
        name: _compact(params.get(name), text)
        for name, text in controls.items()
        if text and not name.endswith("_view") and not (name == "thread" and text == ThreadChoice.NEW)
    }
    url = f"{origin}{reverse('launch')}?{urlencode(shown)}"
    note = "Opens the filled form for people of your team, and launches nothing."
    if len(url) > LINK_MAX_CHARS:
        return Code("link", "Link", "", "The filled form is too long for an address. Save it as a preset instead.")
    return Code("link", "Link", url + "\n", note)


def _compact(value: Any, text: str) -> str:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else text


_WRITERS: dict[str, Callable[[Call, str], Code]] = {
    "python": _python,
    "javascript": _javascript,
    "curl": _curl,
    "json": _as_json,
    "link": _link,
}

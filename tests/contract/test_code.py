"""A launch copied as Python or curl is the same run: executed against the real server, and compared with ours."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from typing import Any

import pytest

from dashboard.langgraph import get_client
from dashboard.launch.code import Call, code_of

NASTY = 'it\'s "quoted" $HOME `id` \\ \n next line — ü 🌊 \u202e'
OWN = {"thread_id", "run_id", "assistant_id", "x-request-id", "user-agent", "__request_start_time_ms__"}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "an input with everything a shell could take amiss": (
        "new",
        {"input": {"text": NASTY, NASTY: [1, 2.5, None, True]}},
    ),
    "config, metadata and headers": (
        "new",
        {
            "input": {"text": "x"},
            "config": {"recursion_limit": 7, "tags": ["a"], "configurable": {"user": "ada"}},
            "metadata": {"ticket": "OPS-12"},
        },
    ),
    "context and pauses": ("new", {"input": {"text": "x"}, "context": {"tone": "plain"}, "interrupt_before": "*"}),
    "how it runs": (
        "new",
        {
            "input": {"text": "x"},
            "durability": "sync",
            "multitask_strategy": "enqueue",
            "on_disconnect": "continue",
            "interrupt_after": ["first"],
        },
    ),
    "query parameters": ("new", {"input": {"text": "x"}, "params": {"trace": ["a", "b c&d"]}}),
}


def call_of(url: str, thread: str, params: dict[str, Any]) -> Call:
    thread_id = None if thread == "stateless" else str(uuid.uuid4())
    given = params | ({"if_not_exists": "create"} if thread_id else {})
    return Call(
        url=url,
        server_id=str(uuid.uuid4()),
        assistant_id="echo",
        thread_id=thread_id,
        thread_choice=thread,
        params=given,
    )


async def execute(program: list[str], text: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, err = await asyncio.wait_for(process.communicate(text.encode()), 60)
    assert process.returncode == 0, err.decode()
    return out


async def run_on(url: str, thread_id: str) -> tuple[Any, Any]:
    """What the server's run holds, but for ids and times, and the thread's state."""
    async with get_client(url) as client:
        (run,) = await client.runs.list(thread_id)
        whole: Any = await client.runs.get(thread_id, run["run_id"])
        state = await client.threads.get_state(thread_id)
    kwargs = dict(whole["kwargs"])
    config = dict(kwargs.get("config") or {})
    for kind in ("configurable", "metadata"):
        config[kind] = {
            name: value
            for name, value in (config.get(kind) or {}).items()
            if name not in OWN and "langgraph" not in name
        }
    return kwargs | {"config": config}, state["values"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["python", "curl"])
async def test_what_is_copied_is_the_same_run(langgraph_url: str, kind: str, name: str) -> None:
    thread, params = CALLS[name]
    ours, theirs = (call_of(langgraph_url, thread, params) for _ in range(2))
    code = code_of(theirs, kind, origin="http://runboard.example.org")
    assert code is not None

    async with get_client(langgraph_url) as client:
        await client.runs.wait(ours.thread_id, ours.assistant_id, **ours.params)
    out = await execute([sys.executable, "-"] if kind == "python" else ["sh", "-s"], code.text)

    assert ours.thread_id
    assert theirs.thread_id
    expected, state = await run_on(langgraph_url, ours.thread_id)
    found, copied = await run_on(langgraph_url, theirs.thread_id)
    assert found == expected
    assert copied == state
    if kind == "curl":
        assert (
            json.loads(out) == state
            or "interrupt" in name
            or "interrupt_after" in params
            or "interrupt_before" in params
        )


@pytest.mark.parametrize("kind", ["python", "curl"])
async def test_a_stateless_run_is_copied_too(langgraph_url: str, kind: str) -> None:
    call = call_of(langgraph_url, "stateless", {"input": {"text": NASTY}})
    code = code_of(call, kind, origin="")
    assert code is not None

    out = await execute([sys.executable, "-"] if kind == "python" else ["sh", "-s"], code.text)

    async with get_client(langgraph_url) as client:
        state = await client.runs.wait(None, "echo", input={"text": NASTY})
    found = json.loads(out) if kind == "curl" else eval(out.decode())
    assert found == state

"""Start a real Aegra 0.6, another implementation of the protocol, in an environment of its own and on our Postgres."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg

PACKAGES = ("aegra-api==0.6.*", "greenlet")
INSTALL_S = 600
START_S = 90

GRAPH = """
import asyncio
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    topic: str
    seconds: float
    act: str
    answer: str


async def work(state: State):
    await asyncio.sleep(state.get("seconds") or 0)
    match state.get("act"):
        case "fail":
            raise ValueError("no tides")
        case "ask":
            return {"answer": str(interrupt({"question": "go on?"}))}
        case "ask nothing":
            return {"answer": str(interrupt(None))}
    return {"answer": "about " + str(state.get("topic"))}


builder = StateGraph(State)
builder.add_node("work", work)
builder.add_edge(START, "work")
builder.add_edge("work", END)
graph = builder.compile()
"""


def install(folder: Path) -> Path:
    """Make its environment below `folder`; returns the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=INSTALL_S)
    programs = folder / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", *PACKAGES], check=True, timeout=INSTALL_S)
    # Our Postgres has no extension `uuid-ossp`; it has the same function built in.
    (first,) = (folder / "venv").glob("lib/*/site-packages/aegra_api/alembic/versions/*_initial_schema.py")
    text = re.sub(r".*uuid-ossp.*\n", "", first.read_text())
    first.write_text(text.replace("public.uuid_generate_v4()", "gen_random_uuid()"))
    return programs


@contextmanager
def aegra(folder: Path, postgres_url: str) -> Iterator[str]:
    """Its address, as long as it runs."""
    programs = install(folder)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE aegra")
    (folder / "graph.py").write_text(GRAPH)
    (folder / "aegra.json").write_text(json.dumps({"graphs": {"work": "./graph.py:graph"}}))
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATABASE_URL": re.sub(r"/[^/?]+\?", "/aegra?", postgres_url, count=1),
        "ENV_MODE": "PRODUCTION",
        "OTEL_SDK_DISABLED": "true",
    }
    command = [programs / "uvicorn", "aegra_api.main:app", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE aegra WITH (FORCE)")


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/info", timeout=2).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"Aegra did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

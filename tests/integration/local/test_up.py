"""`manage.py up` as a newcomer meets it: with the real LangGraph server, in a state folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from dashboard.env import BASE_DIR
from dashboard.local.ports import free_port
from tests.integration.local.processes import descendants, eventually, is_alive

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)(/accounts/sign-in/\S+/)")


def in_proc(place: str) -> bytes:
    """What /proc has there; nothing for a process that has ended."""
    try:
        return (Path("/proc") / place).read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


class Up:
    """A running `manage.py up`."""

    def __init__(self, state: Path, **more: str) -> None:
        self.state = state
        self.port = free_port()
        self.output = state.parent / f"output-{self.port}"
        env = {"PATH": os.environ["PATH"], "RUNBOARD_DATA": str(state), "PORT": str(self.port), **more}
        self.begin = time.monotonic()
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=BASE_DIR, env=env, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def health(self) -> dict[str, object]:
        """What /healthz says when all is well, else nothing."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except (HTTPError, URLError, OSError):
            return {}

    def wait_until_healthy(self) -> float:
        eventually(self.health, within_s=60, what=f"a healthy start ({self.state})")
        return time.monotonic() - self.begin

    def wait_for_link(self) -> tuple[str, str]:
        eventually(lambda: LINK.search(self.said), within_s=60, what="the sign-in link")
        found = LINK.search(self.said)
        assert found
        return found.group(1), found.group(2)

    def children(self) -> dict[str, int]:
        """The process ids of what it started, by what they are."""
        words = {"worker": "run_worker", "web": "daphne", "langgraph": "langgraph_cli", "postgres": "/postgres"}
        found = {}
        for pid in descendants(self.process.pid):
            command = in_proc(f"{pid}/cmdline").decode().replace("\0", " ")
            found |= {name: pid for name, word in words.items() if word in command and name not in found}
        return found


@pytest.fixture
def state(folder: Path) -> Path:
    return folder / "state"


@pytest.fixture
def ups() -> Iterator[list[Up]]:
    started: list[Up] = []
    yield started
    for up in started:
        everything = descendants(up.process.pid)
        up.process.kill()
        up.process.wait()
        eventually(lambda: not any(map(is_alive, everything)), within_s=5)  # noqa: B023


def test_a_newcomer_gets_a_link_that_signs_in_once_and_sees_everything_end(state: Path, ups: list[Up]) -> None:
    up = Up(state, EMAIL_URL="smtp://runboard:canary-7f3a9c@127.0.0.1:9", EMAIL_FROM="runboard@example.org")
    ups.append(up)

    up.wait_until_healthy()
    address, path = up.wait_for_link()
    browser = build_opener(HTTPCookieProcessor())
    with browser.open(address + path) as page:
        assert page.url.startswith(f"{address}/runs/"), "signed in and sent on"
    with build_opener(HTTPCookieProcessor()).open(address + "/runs/") as page:
        assert "/accounts/login/" in page.url, "the link, not the machine, signs in"
    with pytest.raises(HTTPError) as wrong:
        browser.open(address + "/nowhere/")
    assert wrong.value.code == 404
    said = wrong.value.read().decode()
    assert "<h1>Not found</h1>" in said, "our page, not Django's own with its settings"
    assert "URLconf" not in said

    assert len(up.said.splitlines()) <= 7, up.said
    assert re.search(r"User: admin, password: \S{12,} ", up.said)
    assert {file.name: file.stat().st_mode & 0o777 for file in state.iterdir() if file.is_file()} == {
        "secret.key": 0o600,
        "encryption.keys": 0o600,
        "database.url": 0o600,
        "up.lock": 0o600,
    }
    children = up.children()
    assert set(children) == {"worker", "web", "langgraph", "postgres"}
    secrets = [(state / name).read_text().strip() for name in ("secret.key", "encryption.keys", "database.url")]
    secrets.append("canary-7f3a9c")
    places = [f"{pid}/cmdline" for pid in descendants(up.process.pid)]
    places += [f"{children[name]}/environ" for name in ("langgraph", "postgres")]
    seen = [(place, secret) for place in places for secret in secrets if secret.encode() in in_proc(place)]
    assert seen == [], "in the list of processes, or given to programs that do not need it"

    second = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "RUNBOARD_DATA": str(state), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert f"Runboard runs already on {address} with the state folder {state}" in second.stderr
    assert up.health(), "the first one goes on"

    everything = descendants(up.process.pid)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=20) == 0
    assert not [pid for pid in everything if is_alive(pid)]
    assert up.said.endswith("Stopping\n"), up.said


def test_what_dies_is_started_again_and_kill_9_ends_it_all(state: Path, ups: list[Up]) -> None:
    first = Up(state)
    ups.append(first)
    first.wait_until_healthy()
    first.wait_for_link()
    before = first.children()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    for name in before:
        eventually(lambda: f"{name} ended with SIGKILL, starting it again in" in first.said, what=name)  # noqa: B023
    eventually(lambda: set(first.children()) == set(before), within_s=20, what="the new start")
    eventually(first.health, within_s=30, what="health")

    everything = descendants(first.process.pid)
    first.process.kill()
    first.process.wait()
    eventually(lambda: not any(map(is_alive, everything)), within_s=5, what="the end of every process")

    second = Up(state)
    ups.append(second)
    second.wait_until_healthy()
    second.wait_for_link()
    assert "password" not in second.said, "shown only the first time"

"""What the web process logs: never the tokens of links, which anybody who reads them could use."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from dashboard.local.ports import free_port
from dashboard.local.up import start_own

TOKEN = "tOkEn-that-opens-everything"


class Collector:
    """Takes what `up` would start."""

    def __init__(self) -> None:
        self.services: list[Any] = []

    def start(self, service: Any) -> Any:
        self.services.append(service)
        return service


PATHS = (f"/s/{TOKEN}/", f"/s/{TOKEN}/result.json", f"/accounts/sign-in/{TOKEN}/", f"/accounts/reset/{TOKEN}/")


def test_no_token_reaches_a_log_not_even_in_an_outage(tmp_path: Path) -> None:
    collector, port = Collector(), free_port()
    environment = type("", (), {"data_dir": tmp_path, "host": "127.0.0.1", "port": port, "stop_grace_s": 0})
    start_own(cast("Any", collector), cast("Any", environment))
    log = tmp_path / "web.log"
    with log.open("wb") as out:
        web = subprocess.Popen(
            collector.services[0].command, cwd=settings.BASE_DIR, env=dict(os.environ), stdout=out, stderr=out
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while answer(f"{address}/healthz") is None:
            assert web.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with ThreadPoolExecutor() as people:  # each waits five seconds for the database
            statuses = list(people.map(answer, [address + path for path in PATHS]))
    finally:
        web.terminate()
        web.wait(10)

    assert statuses == [503] * len(PATHS)
    assert log.read_text().count("Service Unavailable: /s/") == 2
    assert log.read_text().count("Service Unavailable: /accounts/") == 2
    assert TOKEN not in log.read_text()


def answer(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=10) as found:
            return int(found.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None

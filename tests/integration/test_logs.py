"""What the web process writes down: never the tokens of links, which open what they name to whoever reads them."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any, cast

import pytest
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


@pytest.mark.parametrize(
    "path", [f"/s/{TOKEN}/", f"/s/{TOKEN}/result.json", f"/accounts/sign-in/{TOKEN}/", f"/accounts/reset/{TOKEN}/"]
)
def test_no_token_reaches_a_log_not_even_in_an_outage(path: str, tmp_path: Any) -> None:
    collector, port = Collector(), free_port()
    environment = type("", (), {"data_dir": tmp_path, "host": "127.0.0.1", "port": port, "stop_grace_s": 0})
    start_own(cast("Any", collector), cast("Any", environment))
    log = tmp_path / "web.log"
    with log.open("wb") as out:
        web = subprocess.Popen(
            collector.services[0].command, cwd=settings.BASE_DIR, env=dict(os.environ), stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 30
        while (status := answer(f"http://127.0.0.1:{port}{path}")) is None:
            assert web.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        web.terminate()
        web.wait(10)

    assert status == 503
    assert "Service Unavailable" in log.read_text()
    assert TOKEN not in log.read_text()


def answer(url: str) -> int | None:
    try:
        with urllib.request.urlopen(url, timeout=10) as found:
            return int(found.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None

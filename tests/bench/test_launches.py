"""A hundred launches a second through the form, as browsers post it: none may be lost or launched twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client

from tests.bench.measuring import FULL, clock, percentile, table, usage_of
from tests.bench.programs import Web
from tests.bench.rows import make_crew, statuses
from tests.page_forms import controls

pytestmark = pytest.mark.django_db(transaction=True)

A_SECOND = 100
SECONDS = 60 if FULL else 10
BROWSERS = 50
WANTED_MS = 1_000


def test_launches(database_url: str) -> None:
    title = f"Launches through the form, {A_SECOND} a second for {SECONDS} s, two web processes"
    with table(title) as figures, Web(database_url) as one, Web(database_url) as two:
        crew = make_crew()
        client = Client()
        client.force_login(crew.user)
        form = controls(client.get("/launch/").content.decode())
        form |= {"assistant_id": "report", "input": '{"topic": "tides"}'}
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        browsers = [_Browser((one, two)[number % 2].port, form, cookies) for number in range(BROWSERS)]
        for browser in browsers:  # the connections are open, and each process has imported what it needs
            browser.launch(clock())
        used, began = usage_of(one.pid, two.pid).cpu_s, clock() + 0.1

        def launches(number: int) -> list[float]:
            due = [began + turn / A_SECOND for turn in range(number, A_SECOND * SECONDS, BROWSERS)]
            return [browsers[number].launch(moment) for moment in due]

        with ThreadPoolExecutor(BROWSERS) as pool:
            took = [seconds for found in pool.map(launches, range(BROWSERS)) for seconds in found]
        lasted, used = clock() - began, usage_of(one.pid, two.pid).cpu_s - used
        for browser in browsers:
            browser.close()
        assert statuses() == {"queued": len(took) + BROWSERS}
        rate = len(took) / lasted
        figures.figure("launched", rate, "/s", wanted=f"{A_SECOND} /s", is_met=rate > 0.98 * A_SECOND)
        figures.figure("answered after it was due, p50", percentile(took, 50) * 1000, "ms")
        late = percentile(took, 95) * 1000
        figures.figure("the same, p95", late, "ms", wanted=f"under {WANTED_MS:,} ms", is_met=late < WANTED_MS)
        figures.figure("CPU of the web processes for a launch", used / len(took) * 1000, "ms")


class _Browser:
    """Posts one form over one connection."""

    def __init__(self, port: int, form: dict[str, str], cookies: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._form, self._cookies = form, cookies
        self.close = self._connection.close

    def launch(self, due: float) -> float:
        """Launch when it is `due`. Gives the seconds from then to the answer: whoever is late has waited, too."""
        time.sleep(max(0.0, due - clock()))
        body = urlencode(self._form | {"launch_key": str(uuid4())})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self._cookies}
        self._connection.request("POST", "/launch/", body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status == 303, (answer.status, said[:2000])
        return clock() - due

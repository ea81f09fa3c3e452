"""A hundred launches a second through the form, as browsers post it: none may be lost or launched twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.test import Client

from tests.bench.browsers import Browser, browsers
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

        def launched(browser: Browser, moments: list[float]) -> list[float]:
            """Launch at these moments. Gives the seconds from each to its answer, a late start included."""
            found = []
            for due in moments:
                time.sleep(max(0.0, due - clock()))
                browser.post("/launch/", form | {"launch_key": str(uuid4())})
                found.append(clock() - due)
            return found

        with browsers(BROWSERS, [one, two], client) as all_browsers, ThreadPoolExecutor(BROWSERS) as pool:
            for browser in all_browsers:  # the connections are open, and each process has imported what it needs
                launched(browser, [clock()])
            used, began = usage_of(one.pid, two.pid).cpu_s, clock() + 0.1
            due = [
                [began + turn / A_SECOND for turn in range(number, A_SECOND * SECONDS, BROWSERS)]
                for number in range(BROWSERS)
            ]
            took = [seconds for found in pool.map(launched, all_browsers, due) for seconds in found]
            lasted, used = clock() - began, usage_of(one.pid, two.pid).cpu_s - used
        assert statuses() == {"queued": len(took) + BROWSERS}
        rate = len(took) / lasted
        figures.figure("launched", rate, "/s", wanted=f"{A_SECOND} /s", is_met=rate > 0.98 * A_SECOND)
        figures.figure("answered after it was due, p50", percentile(took, 50) * 1000, "ms")
        late = percentile(took, 95) * 1000
        figures.figure("the same, p95", late, "ms", wanted=f"under {WANTED_MS:,} ms", is_met=late < WANTED_MS)
        figures.figure("CPU of the web processes for a launch", used / len(took) * 1000, "ms")

"""The steps a worker takes with a run, one at a time, and what tests look for on pages."""

from __future__ import annotations

import uuid

from playwright.sync_api import Locator, Page, expect

from dashboard.runs import leases, outcomes
from dashboard.runs.leases import Lease
from dashboard.runs.models import Run
from dashboard.runs.outcomes import Outcome
from tests.factories import claim


def confirm(lease: Lease) -> None:
    """The run is `running`."""
    leases.run_sending(lease)
    leases.run_created_on_server(lease, remote_run_id=str(uuid.uuid4()), remote_thread_id=str(uuid.uuid4()))


def start(run: Run) -> Lease:
    """The run is `running`, from `queued`."""
    lease = claim(run)
    confirm(lease)
    return lease


def finish(lease: Lease, outcome: Outcome) -> None:
    outcomes.run_finish(lease, outcome)


def status_of(page: Page, run: Run) -> Locator:
    """The one element that carries the run's status."""
    return page.locator(f"#run-{run.pk}-status")


def shows(page: Page, run: Run, status: str) -> None:
    expect(status_of(page, run)).to_have_attribute("data-run-status", status)


def live(page: Page, state: str) -> None:
    """Wait until the live badge is in `state`."""
    expect(page.locator("#live")).to_have_attribute("data-state", state, timeout=15_000)


def tab_to(page: Page, target: Locator, *, limit: int = 80) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(limit):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached with Tab")

"""What people wait for in Chromium, by the page's own clock: another view of a large document, a run of 20 MB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from dashboard.runs.statuses import RunStatus
from dashboard.servers.services import AssistantFound, server_seen
from tests.bench.measuring import Table, median, table
from tests.bench.programs import Web
from tests.bench.rows import LiveWorkers, make_crew
from tests.browser.conftest import CHROMIUM_FLAGS, chromium_path
from tests.contract.schema_forms.schemas import SCHEMAS
from tests.documents import twenty_megabytes
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 7
SWITCH_MS, PAINT_MS, OPENED_MS = 100, 1_000, 200
TEXTS = {f"text_{number}": {"type": "string"} for number in range(20)}
DOCUMENTS = {
    "a list of 1,800 objects": (
        SCHEMAS["person"],
        {"name": "Ada", "friends": [{"name": "n" * 20, "home": {"street": "s" * 60}}] * 1_800},
    ),
    "20 texts of 10 KB": (
        {"type": "object", "properties": TEXTS},
        dict.fromkeys(TEXTS, "The tide turns at noon.\n" * 420),
    ),
}
"""200 KB each, by what they are, with their schemas."""

# From the click on the other view to the frame after it stands there.
SWITCHED = """name => new Promise(resolve => {
  const view = [...document.querySelectorAll("#document-input .view-switch label")].find(
    label => label.textContent.trim() === name);
  document.body.addEventListener("htmx:afterSettle", () => requestAnimationFrame(() => setTimeout(
    () => resolve(performance.now() - began))), { once: true });
  const began = performance.now();
  view.click();
})"""
# From the click on a closed place to the frame after its first child stands there.
OPENED = """node => new Promise(resolve => {
  const item = node.closest("[role=treeitem]");
  new MutationObserver((_, observer) => {
    if (!item.querySelector("[role=treeitem]")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  }).observe(item, { childList: true, subtree: true });
  const began = performance.now();
  node.click();
})"""
# When the page first showed anything; the browser may report it only after the load.
PAINTED = """() => new Promise(resolve => {
  new PerformanceObserver(list => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) resolve(found.startTime);
  }).observe({ type: "paint", buffered: true });
})"""


@pytest.fixture
def web(database_url: str) -> Iterator[Web]:
    with Web(database_url) as process:
        yield process


@pytest.fixture
def crew() -> LiveWorkers:
    return make_crew()


@pytest.fixture
def page(web: Web, crew: LiveWorkers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """A page of the person who launches."""
    client = Client()
    client.force_login(crew.user)
    name = settings.SESSION_COOKIE_NAME
    with sync_playwright() as playwright:
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        context = browser.new_context(base_url=web.url, viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": web.url}])
        yield context.new_page()
        connections.close_all()  # those of Playwright's loop are others than the test's
        browser.close()


def test_browser(page: Page, crew: LiveWorkers) -> None:
    with table("In Chromium, from a click to the frame that shows it") as figures:
        for name, (schema, document) in DOCUMENTS.items():
            _switch(figures, page, crew, name, schema, json.dumps(document))
        state = {**twenty_megabytes(), "plan": {f"part {part}": {"steps": list(range(150))} for part in range(90)}}
        body = json.dumps(state).encode()
        run = make_run(server=crew.server, by=crew.user, status=RunStatus.SUCCEEDED, body=body)
        painted, opened = [], []
        for _ in range(TIMES):
            page.goto(f"/runs/{run.pk}/")
            painted.append(page.evaluate(PAINTED))
        page.goto(f"/runs/{run.pk}/state/?path=/plan")
        for _ in range(TIMES):
            opened.append(page.locator('[role="treeitem"][aria-expanded="false"] > .node').first.evaluate(OPENED))
        _under(figures, "20 MB state, first paint", painted, PAINT_MS)
        _under(figures, "20 MB state, a node opens", opened, OPENED_MS)


def _switch(figures: Table, page: Page, crew: LiveWorkers, name: str, schema: object, text: str) -> None:
    """Form and JSON of one document, there and back."""
    assert len(text) > 200_000, len(text)
    assistant = f"switched-{uuid4().hex[:6]}"
    made = AssistantFound(uuid4(), assistant, assistant, schemas={"input_schema": schema})  # type: ignore[dict-item]
    server_seen(server=crew.server, version="1", assistants=[made])
    page.goto(f"/launch/?assistant_id={assistant}")
    page.evaluate(SWITCHED, "JSON")
    page.locator("#id_input").fill(text)
    times: dict[str, list[float]] = {"Form": [], "JSON": []}
    for view in ("Form", "JSON") * (TIMES + 1):
        times[view].append(page.evaluate(SWITCHED, view))
    for view, took in times.items():
        _under(figures, f"200 KB, {name}, to {view}", took[1:], SWITCH_MS)  # the first is warming up


def _under(figures: Table, what: str, took: list[float], wanted_ms: float) -> None:
    found = median(took)
    figures.figure(f"{what}, p50", found, "ms", wanted=f"under {wanted_ms:g} ms", is_met=found < wanted_ms)

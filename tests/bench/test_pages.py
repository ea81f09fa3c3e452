"""What pages cost against an empty one, and what they weigh."""

from __future__ import annotations

import gzip
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.template.base import Template
from django.test import Client, override_settings
from django.test.utils import _TestState

from dashboard.runs.models import Run
from dashboard.runs.seeding import runs_seed
from dashboard.runs.statuses import RunStatus
from dashboard.servers.services import AssistantFound, server_seen
from tests.bench.browsers import Browser, browsers
from tests.bench.measuring import Table, clock, median, percentile, table
from tests.bench.programs import Web
from tests.bench.rows import LiveWorkers, make_crew
from tests.documents import twenty_megabytes
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 20
EMPTY = "/bench/empty/"
READERS = 20
OPENED, OPENED_MS = 15, 100
WANTED = {
    "list of 50 rows": 3.0,
    "launch page": 4.0,
    "launch page, a form of 20 fields": 4.0,
    "run page, small state": 3.0,
    "run page, 1 MB of conversation": 6.0,
    "run page, 20 MB state": 8.0,
}
"""At most so many times an empty page."""
WANTED_KB = 80
_LINKED = re.compile(rb'(?:src|href)="/?static/([^"]+\.(?:js|css))"')
_IMPORTED = re.compile(rb"""(?:import|from)\s*\(?["']\./([^"']+\.js)["']""")


@pytest.fixture(autouse=True)
def _templates_as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under test, Django records what every template is rendered with, which costs more than rendering it."""
    monkeypatch.setattr(Template, "_render", _TestState.saved_data.template_render)


@override_settings(ROOT_URLCONF="tests.bench.urls")
def test_pages() -> None:
    with table("Pages, CPU of a request through Django") as figures:
        crew = make_crew()
        client = Client()
        client.force_login(crew.user)
        runs_seed(server=crew.server, count=200, days=30)
        small = _ended(crew, {"report": "A few words on tides."})
        paths = {
            "list of 50 rows": "/runs/",
            "run page, small state": f"/runs/{small.pk}/",
            "run page, 1 MB of many keys": f"/runs/{_ended(crew, _many_keys()).pk}/",
            "run page, 1 MB of conversation": f"/runs/{_ended(crew, _conversation()).pk}/",
            "run page, 1 MB in one string": f"/runs/{_ended(crew, {'text': 'tides ' * 170_000}).pk}/",
            "launch page": "/launch/",
            "launch page, a form of 20 fields": f"/launch/?assistant_id={_form_of_20_fields(crew)}",
        }
        large = _ended(crew, twenty_megabytes())
        paths["run page, 20 MB state"] = f"/runs/{large.pk}/"
        for name, path in paths.items():
            page_ms, empty_ms = _cpu_ms(client, path)
            figures.ratio(name, page_ms, empty_ms, "ms", than="empty page", at_most=WANTED.get(name))
        _weigh(figures, client, f"/runs/{small.pk}/")


def test_readers(database_url: str) -> None:
    """Opening branches of a large state's tree, again and again, by 20 readers at once."""
    title = f"A node of a 20 MB state, opened by {READERS} readers without a pause, two web processes"
    with table(title) as figures, Web(database_url) as one, Web(database_url) as two:
        crew = make_crew()
        client = Client()
        client.force_login(crew.user)
        run = _ended(crew, twenty_megabytes())

        def opened(browser: Browser, first: int) -> list[float]:
            found = []
            for number in range(first, first + OPENED):
                place = f"/items/{number * 997 % 120_000}"
                began = clock()
                browser.get(f"/runs/{run.pk}/state/?path={place}&as=tree", {"HX-Request": "true"})
                found.append((clock() - began) * 1000)
            return found

        with browsers(READERS, [one, two], client) as readers, ThreadPoolExecutor(READERS) as pool:
            firsts = range(0, READERS * OPENED, OPENED)
            list(pool.map(opened, readers[:2], firsts))  # the state is in memory
            took = [ms for found in pool.map(opened, readers, firsts) for ms in found]
        late = percentile(took, 95)
        wanted = f"under {OPENED_MS} ms"
        figures.figure("opened, p50", percentile(took, 50), "ms")
        figures.figure("opened, p95", late, "ms", wanted=wanted, is_met=late < OPENED_MS)


def _form_of_20_fields(crew: LiveWorkers) -> str:
    """An assistant whose input has a text, a number, a choice and a truth value, five times."""
    kinds: list[dict[str, object]] = [
        {"type": "string", "description": "What it is about."},
        {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        {"enum": ["short", "long"]},
        {"type": "boolean"},
    ]
    properties = {f"field_{number}": kinds[number % len(kinds)] for number in range(20)}
    schemas = {"input_schema": {"type": "object", "properties": properties, "required": ["field_0"]}}
    made = AssistantFound(assistant_id=uuid4(), graph_id="fields", name="fields", schemas=schemas)
    server_seen(server=crew.server, version="1", assistants=[made])
    return "fields"


def _cpu_ms(client: Client, path: str) -> tuple[float, float]:
    """The CPU time of the web process for a page, and for an empty one right before and after, without other processes.

    Medians, in milliseconds of CPU time.
    """
    pages, empty = [], []
    for _ in range(REQUESTS):
        empty.append(_worked_ms(client, EMPTY))
        pages.append(_worked_ms(client, path))
        empty.append(_worked_ms(client, EMPTY))
    return median(pages[1:]), median(empty[2:])  # the first is warming up


def _worked_ms(client: Client, path: str) -> float:
    began = time.process_time()
    assert client.get(path).status_code == 200, path
    return (time.process_time() - began) * 1000


def _ended(crew: LiveWorkers, state: object) -> Run:
    return make_run(server=crew.server, by=crew.user, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())


def _many_keys() -> object:
    return {"items": [{"id": number, "name": f"item {number}", "tags": ["a", "b"]} for number in range(18_000)]}


def _conversation() -> object:
    said = "Tides rise **twice** a day, see [the chart](https://example.org).\n\n- one\n- two\n\n" * 12
    turns = [{"type": ("human", "ai")[number % 2], "content": said} for number in range(1_000)]
    return {"messages": turns}


def _weigh(figures: Table, client: Client, path: str) -> None:
    """HTML, CSS and JavaScript of a page as they travel: gzipped, each file once."""
    html = client.get(path).content
    names, scripts = set(), [name.decode() for name in _LINKED.findall(html)]
    while scripts:
        name = scripts.pop()
        if name not in names:
            names.add(name)
            scripts += [str(Path(name).parent / found.decode()) for found in _IMPORTED.findall(_static(name))]
    assert len(names) > 3, f"only {names} found in the page"
    kb = (_packed(html) + sum(_packed(_static(name)) for name in names)) / 1000
    figures.figure(
        f"run page, HTML and {len(names)} files, gzipped",
        kb,
        "kB",
        wanted=f"under {WANTED_KB} kB",
        is_met=kb < WANTED_KB,
    )


def _static(name: str) -> bytes:
    return (Path(settings.STATIC_ROOT) / name).read_bytes()


def _packed(content: bytes) -> int:
    return len(gzip.compress(content, 6, mtime=0))

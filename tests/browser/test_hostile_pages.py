"""Hostile names, errors and states in a real browser: nothing is executed, and no text reverses the text next to it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.runs.events import EventKind
from dashboard.runs.leases import connection_changed
from dashboard.runs.outcomes import RunError
from dashboard.runs.statuses import RunStatus
from dashboard.sharing.services import share_create
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open
from tests.browser.steps import start
from tests.documents import CONVERSATION, RTL, SCRIPT
from tests.factories import make_run

READS = """element => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const lefts = [];
    for (let text = texts.nextNode(); text; text = texts.nextNode())
        for (let at = 0; at < text.length; at++) {
            if (!text.data[at].trim()) continue;
            const place = document.createRange();
            place.setStart(text, at);
            place.setEnd(text, at + 1);
            lefts.push(place.getBoundingClientRect().left);
        }
    return lefts.every((left, index) => index === 0 || left > lefts[index - 1]);
}"""


OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
STRUCK = "x" + "\u0335" * 200
KEY = STRUCK[:81]  # thirty of them fit in an address: web servers take 16 KB
DEEP: Any = STRUCK
BELOW: Any = STRUCK
for _ in range(30):
    DEEP, BELOW = {STRUCK: DEEP}, {KEY: BELOW}
WIDE = {
    "messages": [
        {
            "type": STRUCK,
            "name": STRUCK[:200],
            "content": f"{STRUCK} `{STRUCK}`",
            "tool_calls": [{"name": STRUCK, "args": DEEP}],
        }
    ],
    STRUCK: STRUCK,
    "long": STRUCK + " and on" * 30,
    "deep": DEEP,
}


QUOTES = """value => {
    const whole = value.getBoundingClientRect(), text = value.querySelector("bdi").getBoundingClientRect();
    return {text: value.textContent, before: text.left - whole.left, after: whole.right - text.right};
}"""


def reads_from_left_to_right(text: Locator) -> bool:
    """Whether every character of a short text stands to the right of the one before it."""
    return bool(text.evaluate(READS))


@pytest.fixture
def dialogs(page: Page) -> list[str]:
    """What a script of ours would never do: open a dialog."""
    found: list[str] = []
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    return found


def test_nothing_of_a_hostile_run_is_executed(page: Page, team: Team, user: User, dialogs: list[str]) -> None:
    run = make_run(
        team=team,
        by=user,
        name=SCRIPT,
        tags=[SCRIPT[:60]],
        assistant_id=SCRIPT,
        params={"input": {SCRIPT: SCRIPT}},
        status=RunStatus.FAILED,
        error=RunError(SCRIPT, SCRIPT, SCRIPT),
        body=json.dumps(CONVERSATION).encode(),
    )
    token = share_create(run=run, by=user, lifetime=None)[1]
    for address in (f"/runs/{run.pk}/", f"/s/{token}/", f"/launch/?from={run.pk}", "/runs/"):
        page.goto(address)
        expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
        assert page.locator("main img, main script").count() == 0

    assert dialogs == []


@pytest.mark.parametrize("width", [1280, 360])
def test_text_without_width_widens_no_page(open_browser: Open, team: Team, user: User, width: int) -> None:
    order: dict[str, Any] = {
        "team": team,
        "by": user,
        "name": STRUCK[:200],
        "tags": [STRUCK[:60]],
        "assistant_id": STRUCK[:190],
        "params": {"input": {STRUCK: WIDE}, "metadata": {STRUCK: STRUCK}, "config": DEEP},
    }
    error = RunError(STRUCK[:190], STRUCK, STRUCK[:190])
    asked = {"interrupts": [{"value": {"question": STRUCK, STRUCK: STRUCK}}, {"value": STRUCK}], "next": [STRUCK]}
    failed = make_run(**order, status=RunStatus.FAILED, error=error, body=json.dumps(WIDE).encode())
    asking = make_run(**order, status=RunStatus.NEEDS_INPUT, ending=asked, body=json.dumps([STRUCK]).encode())
    raw = make_run(**order, status=RunStatus.SUCCEEDED, body=f"{STRUCK} is not JSON".encode())
    away = make_run(**order)
    lease = start(away)
    connection_changed(lease, kind=EventKind.CONNECTION_LOST, data={"message": STRUCK, "retry_in_s": 4})
    below = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps({"deep": BELOW}).encode())
    token = share_create(run=failed, by=user, lifetime=None)[1]
    page = open_browser(user, viewport={"width": width, "height": 740}).new_page()

    wide = {}
    for run in (failed, asking, raw, away):
        page.goto(f"/runs/{run.pk}/")
        for part in ("Result", "Activity", "Input"):
            page.get_by_role("tab", name=part).click()
            page.evaluate("document.querySelectorAll('.tabs details').forEach(part => part.open = true)")
            wide[f"{run.status}: {part}"] = page.evaluate(OVERFLOW)
    for address in ("/runs/", f"/runs/?q={STRUCK}", f"/s/{token}/", f"/launch/?from={failed.pk}"):
        page.goto(address)
        page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(part => part.open = true)")
        wide[address[:9]] = page.evaluate(OVERFLOW)

    found = {where: by for where, by in wide.items() if by > 0}
    assert found == {}
    page.goto(f"/runs/{below.pk}/state/?path=/deep{f'/{quote(KEY)}' * 29}")
    assert page.evaluate(OVERFLOW) <= 0
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # down only: nothing may stand to the right
    expect(page.locator("#state-part .value").last).to_be_in_viewport()


def test_a_value_that_turns_the_line_is_named_and_turns_nothing(page: Page, team: Team, user: User) -> None:
    text, shown = f"a{RTL}b", "a⟨U+202E⟩gnp.exe⟨U+2066⟩b"
    family = "\U0001f469\u200d\U0001f4bb"
    state = {
        text: text,
        "שלום": "שלום",
        "unseen": "\u200b\u2060\ufeff",
        "many": "\u202d" * 3,
        "kept": f"{family}\u200c",
    }
    body = json.dumps({"tree": {"inside": state}}).encode()
    run = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=body)

    page.goto(f"/runs/{run.pk}/")

    leaves = page.locator("#result .tree-box .leaf")
    texts = [leaf.replace("\n", "") for leaf in leaves.all_text_contents()]
    assert texts[0] == f"{shown} {shown}"
    assert texts[2:] == ["unseen ⟨U+200B⟩⟨U+2060⟩⟨U+FEFF⟩", "many ⟨U+202D \u00d7 3⟩", f"kept {family}\u200c"]
    assert reads_from_left_to_right(leaves.first)
    quotes = leaves.nth(1).locator(".value").evaluate(QUOTES)
    assert quotes["text"] == "שלום"
    assert quotes["before"] > 0 < quotes["after"], "a quote stands on each side of the word"
    assert leaves.nth(1).locator(".key").evaluate(QUOTES)["after"] > 0, "the colon stands after its key"
    assert page.request.get(f"/runs/{run.pk}/result.json").body() == body


def test_a_name_that_turns_the_line_turns_nothing_else(page: Page, team: Team, user: User) -> None:
    error = RunError("ValueError", f"{RTL} and on", "write")
    make_run(team=team, by=user, name="beside it", assistant_id="chat")
    run = make_run(
        team=team, by=user, name=RTL, tags=["plain"], assistant_id="chat", status=RunStatus.FAILED, error=error
    )

    page.goto("/runs/")
    row = page.locator(f"#run-{run.pk}-row")
    expect(row.locator(".row-outcome")).to_have_text("ValueError in write: ⟨U+202E⟩gnp.exe⟨U+2066⟩ and on")
    beside = [row.locator(place) for place in (".row-outcome", ".tag", ".cell-assistant", ".cell-person")]
    assert all(reads_from_left_to_right(text) for text in beside)
    expect(row.locator(".run-link")).to_have_text("⟨U+202E⟩gnp.exe⟨U+2066⟩")
    assert reads_from_left_to_right(row.locator(".run-link"))
    assert reads_from_left_to_right(page.get_by_role("link", name="beside it"))

    page.goto(f"/runs/{run.pk}/")
    assert reads_from_left_to_right(page.locator(".banner-title strong"))
    assert reads_from_left_to_right(page.locator(".meta").get_by_text("chat"))


STARTS = (
    "<script>{}</script>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<iframe srcdoc='<script>{}</script>'></iframe>",
    "<details open ontoggle={}>",
    "<a href='javascript:{}'>x</a>",
    "[x](javascript:{})",
    "[x](JaVaScRiPt:{})",
    "[x](java\nscript:{})",
    "[x](data:text/html,<script>{}</script>)",
    "![x](javascript:{})",
    "<javascript:{}>",
    "[x]: javascript:{}\n\n[x]",
    "```html\n<script>{}</script>\n```",
    '```" onmouseover={} x\ncode\n```',
    "|a|\n|-|\n|<img src=x onerror={}>|",
    "</pre><script>{}</script>",
    "</textarea></title><script>{}</script>",
    '" autofocus onfocus={} x="',
    "' onmouseover={} '",
    "--><script>{}</script>",
    "{{% load x %}}{{{{ {} }}}}",
    "<math><mtext><style><img src=x onerror={}></style></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
    "<body onload={}>",
    "<input onfocus={} autofocus>",
    "<object data='javascript:{}'></object>",
    "<form action='javascript:{}'><button>x</button></form>",
    "<style>@import 'javascript:{}'</style>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<link rel=stylesheet href='javascript:{}'>",
    "<base href='javascript:{}//'>",
    "\x00<script>{}</script>",
    "\u202e<script>{}</script>",
)
CALLS = ("alert(1)", "confirm`1`", "window.struck=1")
PAYLOADS = [start.format(call) for start in STARTS for call in CALLS]


def test_more_than_a_hundred_payloads_are_inert_wherever_a_state_shows_them(
    page: Page, team: Team, user: User, dialogs: list[str]
) -> None:
    assert len(PAYLOADS) > 100
    half = len(PAYLOADS) // 2
    state = {
        "messages": [
            {
                "type": ("ai", "human", "tool", "system")[number % 4],
                "name": text[:200],
                "content": text,
                "artifact": text,
            }
            for number, text in enumerate(PAYLOADS[:half])
        ]
        + [
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": text, "args": {text: text}} for text in PAYLOADS[:20]],
            }
        ],
        "rows": [{"a": text, text: text} for text in PAYLOADS],
        "files": {f"f{number}.md": text for number, text in enumerate(PAYLOADS[:30])},
        "report": "# r\n\n" + "\n\n".join(PAYLOADS[half:]),
        **{text: text for text in PAYLOADS[half:]},
    }
    run = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())
    other = make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps({"report": "x" * 50}).encode())
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    places = [f"/runs/{run.pk}/", f"/runs/{run.pk}/state/?path=/rows", f"/runs/{run.pk}/state/?q=script"]
    places += [f"/runs/compare/?a={other.pk}&b={run.pk}", f"/threads/{run.server_id}/{run.remote_thread_id}/"]
    for address in places:
        page.goto(address)
        page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(part => part.open = true)")
        links = page.evaluate("[...document.querySelectorAll('main a[href]')].map(link => link.getAttribute('href'))")
        assert [link for link in links if not link.startswith(("/", "#", "?", "http://", "https://", "mailto:"))] == []
        assert page.locator("main :is(script, iframe, object, embed, base, style, link, meta, math)").count() == 0
        assert page.locator("main :is([onerror], [onload], [onfocus], [ontoggle], [onmouseover])").count() == 0
        assert page.evaluate("window.struck") is None

    assert dialogs == []
    base = page.url.split("/runs/")[0].split("/threads/")[0]
    assert [url for url in requests if not url.startswith((base, "data:"))] == []

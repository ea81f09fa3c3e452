"""The result of a run under a reader's hands: its tree, its search, its keys, and what stays when a push arrives."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.runs.transitions import event_append
from dashboard.teams.models import Team, User
from tests.browser.steps import live
from tests.browser.test_look import axe
from tests.factories import make_run

STATE: dict[str, Any] = {
    "messages": [
        {"type": "human", "content": "When is high tide?"},
        {"type": "ai", "content": "", "tool_calls": [{"id": "1", "name": "tides", "args": {"at": "Gdansk"}}]},
        {"type": "tool", "tool_call_id": "1", "content": "broken", "status": "error"},
        {"type": "ai", "content": "At **five**.\n\n```python\nprint(5)\n```"},
    ],
    "plan": {f"part {number}": {"steps": list(range(150)), "note": f"gale {number}"} for number in range(30)},
    "rows": [{"name": f"n{number}", "price": number % 7} for number in range(150)],
}


def ended(team: Team, user: User, state: Any = STATE) -> Run:
    return make_run(team=team, by=user, status=RunStatus.SUCCEEDED, body=json.dumps(state).encode())


def test_a_tree_is_one_stop_of_tab_and_moves_with_the_arrows(page: Page, team: Team, user: User) -> None:
    run = ended(team, user)
    page.goto(f"/runs/{run.pk}/")
    tree = page.get_by_role("tree", name="plan")
    first = tree.get_by_role("treeitem").first

    first.focus()
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")

    steps = first.get_by_role("treeitem").first
    expect(steps.get_by_role("treeitem")).to_have_count(101)
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-expanded", "false")
    assert tree.locator("[tabindex='0']").count() == 1


def test_a_search_leads_to_the_place_and_a_push_changes_nothing_of_it(page: Page, team: Team, user: User) -> None:
    asked = {"interrupts": [{"id": "a", "value": "go on?"}]}
    body = json.dumps(STATE).encode()
    run = make_run(team=team, by=user, status=RunStatus.NEEDS_INPUT, ending=asked, body=body)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    page.keyboard.press("/")
    page.keyboard.type("gale 17")
    found = page.locator("#state-found .hits a")
    expect(found).to_have_count(1)
    page.locator(".call > summary").click()
    page.locator(".state-search input").focus()

    event_append(run, EventKind.WARNING, {"message": "something new"})

    expect(page.locator("#activity")).to_contain_text("something new")
    expect(page.locator(".state-search input")).to_be_focused()
    expect(page.locator(".call")).to_have_attribute("open", "")
    expect(found).to_have_count(1)
    found.click()
    expect(page.locator("#state-part")).to_contain_text("gale 17")


def test_a_table_is_sorted_and_a_call_shows_that_it_failed(page: Page, team: Team, user: User) -> None:
    run = ended(team, user)
    page.goto(f"/runs/{run.pk}/")

    expect(page.locator(".call-state")).to_have_text("failed")
    table = page.locator(".data-table")
    table.get_by_role("link", name="price").click()
    expect(table.locator("th[aria-sort='ascending']")).to_have_text("price")
    expect(table.locator("tbody tr")).to_have_count(100)
    expect(table.locator("tbody tr").first).to_contain_text("0")


def test_keys_choose_tabs_and_explain_themselves(page: Page, team: Team, user: User) -> None:
    oldest = ended(team, user)
    newest = ended(team, user)
    page.goto("/runs/")
    page.locator(f"#run-{newest.pk}-row .run-link").click()
    expect(page.locator("#run-beside")).to_contain_text("1 of 2")
    page.keyboard.press("j")
    page.wait_for_url(f"**/runs/{oldest.pk}/")

    page.keyboard.press("4")
    expect(page.get_by_role("tab", name="Input")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_pages_of_a_state_are_accessible(page: Page, team: Team, user: User) -> None:
    run, other = ended(team, user), ended(team, user, {"plan": {"a": 1}})
    places = [f"/runs/{run.pk}/", f"/runs/{run.pk}/state/?path=/plan", f"/runs/compare/?a={run.pk}&b={other.pk}"]
    for address in [*places, f"/threads/{run.server_id}/{run.remote_thread_id}/"]:
        page.goto(address)
        assert axe(page) == {}, address


def test_paper_is_light_whole_and_without_controls(page: Page, team: Team, user: User) -> None:
    user.theme = "dark"
    user.save(update_fields=["theme"])
    said = {"role": "human", "content": "Once upon a time. " * 200}, {"role": "ai", "content": "It ended well."}
    run = make_run(
        team=team,
        by=user,
        server=team.servers.get(),
        tags=["weekly"],
        status=RunStatus.SUCCEEDED,
        body=json.dumps({"messages": said}).encode(),
    )
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator(".turn-long .exact")).not_to_be_visible()

    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(22, 25, 29)"
    expect(page.locator(".turn-long .exact")).to_be_visible()
    expect(page.get_by_role("link", name="weekly")).to_be_visible()
    for control in ("Star", "Launch again", "Compare", "Raw", "Related runs"):
        expect(page.get_by_text(control, exact=True).first).not_to_be_visible()
    for part in ("Steps", "Activity", "Input"):
        expect(page.get_by_role("heading", name=part, exact=True).first).to_be_visible()


def test_a_phone_shows_at_once_how_a_long_conversation_ends(page: Page, team: Team, user: User) -> None:
    said = [{"type": ("human", "ai")[at % 2], "content": f"{at}: the water rises. " * 6} for at in range(7)]
    last = {"type": "ai", "content": "# Summary\n\nHigh water is at **noon**.\n\n" + "It falls again. " * 40}
    run = ended(team, user, {"messages": [*said, last]})
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/runs/{run.pk}/")

    ending = page.locator(".talk-ending")
    expect(ending).to_be_in_viewport(ratio=1)
    expect(ending).to_contain_text("High water is at noon. It falls again.")
    page.get_by_role("link", name="Last message").click()
    expect(page.locator(".turn").last).to_be_in_viewport()
    expect(page.get_by_role("tab", name="Result")).to_have_attribute("aria-selected", "true")

    # Where the end is in sight anyway, nothing is said twice.
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(ending).to_be_hidden()

"""The run page keeps itself up to date, and says truthfully whether it does."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from dashboard.runs import transitions
from dashboard.runs.outcomes import Outcome, RunError
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team, User
from tests.browser.conftest import Open, Web
from tests.browser.steps import confirm, finish, live, shows, start, tab_to
from tests.factories import claim, make_run

STATE = json.dumps({"title": "Tides", "parts": {"a": {"b": {"c": {"d": {"e": 1}}}}, "x": list(range(30))}}).encode()
NO_SOCKET = """
    const Real = window.WebSocket;
    window.WebSocket = class extends Real { constructor(url) { super(url.replace(location.host, "127.0.0.1:9")); } };
"""


def test_every_step_appears_without_a_reload(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), name="Tides")
    page.goto(f"/runs/{run.pk}/")
    page.evaluate("window.notReloaded = true")
    live(page, "live")
    shows(page, run, "queued")
    expect(page).to_have_title("○ Tides · Runboard")

    lease = claim(run)
    shows(page, run, "starting")
    confirm(lease)
    shows(page, run, "running")
    expect(page).to_have_title("◐ Tides · Runboard")
    expect(page.locator("#favicon")).to_have_attribute("href", re.compile("favicon-info"))
    run.refresh_from_db()
    expect(page.locator(f"#run-{run.pk}-meta")).to_contain_text(str(run.remote_run_id))
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=STATE))

    shows(page, run, "succeeded")
    expect(page).to_have_title("✓ Tides · Runboard")
    expect(page.locator("#favicon")).to_have_attribute("href", re.compile("favicon-success"))
    expect(page.get_by_role("tabpanel", name="Result")).to_contain_text("title")
    expect(page.locator("#announcer")).to_have_text("Tides: Succeeded.")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    live(page, "final")
    assert page.evaluate("window.notReloaded")


def test_an_open_socket_is_not_live_before_it_has_sent_what_the_database_holds(
    page: Page, team: Team, user: User
) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    held_up: list[tuple[WebSocketRoute, str | bytes]] = []

    def hold_up(line: WebSocketRoute) -> None:
        line.connect_to_server().on_message(lambda message: held_up.append((line, message)))

    page.route_web_socket(re.compile("/ws/runs/"), hold_up)
    page.goto(f"/runs/{run.pk}/")
    expect(page.locator("#live")).to_contain_text("Live updates paused")
    start(run)
    expect(page.locator("#live")).to_have_text("Polling every 4 s")
    shows(page, run, "running")
    for line, message in held_up:
        line.send(message)

    live(page, "live")


def test_a_connection_that_falls_silent_is_not_live_and_another_is_opened(page: Page, team: Team, user: User) -> None:
    """As when a firewall forgets the connection: nobody closes it, and nothing comes."""
    run = make_run(team=team, by=user, server=team.servers.get())
    lines: list[WebSocketRoute] = []

    def fall_silent(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        lines.append(line)
        if len(lines) == 1:
            passed: list[str | bytes] = []
            server.on_message(lambda message: None if passed else (passed.append(message), line.send(message))[1])

    page.route_web_socket(re.compile("/ws/runs/"), fall_silent)
    page.clock.install()
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    lease = start(run)
    page.clock.fast_forward(30_000)
    live(page, "live")
    page.clock.fast_forward(16_000)

    shows(page, run, "running")
    live(page, "live")
    assert len(lines) == 2
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    shows(page, run, "succeeded")


def test_elapsed_time_ticks_while_running_and_then_stands(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    lease = start(run)
    page.goto(f"/runs/{run.pk}/")
    elapsed = page.locator(f"#run-{run.pk}-elapsed .duration")

    expect(elapsed).to_have_text(re.compile(r"^\d s$"))
    before = int(elapsed.inner_text().removesuffix(" s"))
    expect(elapsed).to_have_text(re.compile(rf"^({'|'.join(str(before + more) for more in range(1, 5))}) s$"))
    finish(lease, Outcome(RunStatus.FAILED, error=RunError("ValueError", "no", "explode")))

    expect(elapsed).to_have_text(re.compile(r"^\d\.\d s$"))
    expect(page.locator(".banner")).to_contain_text("ValueError in node explode")


def test_what_the_reader_opened_stays_open(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), params={"input": json.loads(STATE)})
    lease = start(run)
    page.goto(f"/runs/{run.pk}/#input")
    live(page, "live")
    long_list = page.locator("#input details", has=page.locator("summary", has_text="30 items")).last
    long_list.locator("> summary").click()
    page.locator("summary", has_text="Share").click()
    copy = page.get_by_role("button", name="Copy thread id")
    copy.focus()
    page.locator("summary", has_text="Share").click()

    transitions.event_append(run, transitions.EventKind.WARNING, {"message": "just so"})
    page.get_by_role("tab", name="Activity").click()
    expect(page.locator(f"#run-{run.pk}-activity")).to_contain_text("just so")
    page.get_by_role("tab", name="Input").click()

    expect(long_list).to_have_attribute("open", "")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=STATE))
    shows(page, run, "succeeded")
    expect(page.get_by_role("tab", name="Input")).to_have_attribute("aria-selected", "true")
    expect(long_list).to_have_attribute("open", "")


def test_focus_stays_where_it_was(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    start(run)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")
    other_ways = page.get_by_label("Other ways to cancel")
    other_ways.focus()

    transitions.event_append(run, transitions.EventKind.WARNING, {"message": "just so"})
    expect(page.locator(f"#run-{run.pk}-activity")).to_contain_text("just so")

    expect(other_ways).to_be_focused()


def test_cancel_from_the_page(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    lease = start(run)
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    page.get_by_role("button", name="Cancel", exact=True).click()

    shows(page, run, "cancelling")
    expect(page.locator(".banner")).to_contain_text("waiting for the server")
    expect(page.locator("#run-title")).to_be_focused()
    finish(lease, Outcome(RunStatus.CANCELLED))
    shows(page, run, "cancelled")
    expect(page.locator(".banner")).to_contain_text("Cancelled by ada")


def test_rollback_is_the_quiet_second_choice(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    start(run)
    page.goto(f"/runs/{run.pk}/")

    tab_to(page, page.get_by_label("Other ways to cancel"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Cancel and undo"))
    page.keyboard.press("Enter")

    shows(page, run, "cancelling")
    run.refresh_from_db()
    assert run.cancel_action == "rollback"


def test_page_outlives_a_restart_of_the_web_process(page: Page, team: Team, user: User, web: Web) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    web.stop()
    try:
        live(page, "paused")
        expect(page.locator("#live")).to_contain_text("Live updates paused, reconnecting. Last update ")
        lease = start(run)
    finally:
        web.start()

    live(page, "live")
    shows(page, run, "running")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    shows(page, run, "succeeded")


def test_page_polls_when_the_socket_cannot_open(open_browser: Open, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    context = open_browser(user, bypass_csp=True)
    context.add_init_script(NO_SOCKET)
    page = context.new_page()
    page.clock.install()
    page.goto(f"/runs/{run.pk}/")

    page.clock.fast_forward(5000)
    live(page, "polling")
    expect(page.locator("#live")).to_have_text("Polling every 4 s")
    lease = start(run)
    page.clock.fast_forward(4000)
    shows(page, run, "running")
    finish(lease, Outcome(RunStatus.SUCCEEDED, body=b"{}"))
    page.clock.fast_forward(4000)

    shows(page, run, "succeeded")
    live(page, "final")


def test_page_says_so_at_once_when_the_network_is_gone(page: Page, team: Team, user: User) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    page.context.set_offline(True)
    live(page, "paused")
    start(run)
    page.context.set_offline(False)

    live(page, "live")
    shows(page, run, "running")


def test_signed_out_elsewhere_is_said(page: Page, team: Team, user: User, web: Web) -> None:
    run = make_run(team=team, by=user, server=team.servers.get())
    page.goto(f"/runs/{run.pk}/")
    live(page, "live")

    web.stop()
    page.context.clear_cookies()
    web.start()

    live(page, "signed-out")
    page.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile(rf"/accounts/login/\?next=.*{run.pk}"))


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.LOST])
def test_an_ended_run_is_final_from_the_start(page: Page, team: Team, user: User, status: RunStatus) -> None:
    run = make_run(team=team, by=user, server=team.servers.get(), status=status)
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))

    page.goto(f"/runs/{run.pk}/")

    expect(page.locator("#live")).to_have_text("Final")
    page.wait_for_load_state("networkidle")
    assert sockets == []

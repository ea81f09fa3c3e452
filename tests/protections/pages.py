"""What open pages show, and what an operator sees."""

from __future__ import annotations

from tests.protections.broken import Break

CHANGES = "dashboard/runs/transitions.py"
CONSUMER = "dashboard/live/consumer.py"
LISTENER = "dashboard/live/listener.py"
DIAGNOSIS = "dashboard/monitoring/diagnosis.py"

NEWS = "tests/integration/live/test_updates.py::"
HEARERS = "tests/integration/live/test_who_gets_updates.py::"
BROKEN = "tests/integration/live/test_broken_connections.py::"
DIAGNOSIS_TESTS = "tests/unit/test_diagnosis.py::"

PAGES = (
    Break(
        "change-is-notified",
        "Open pages get every change of a run.",
        CHANGES,
        "pg_notify(%s, json_build_array(id, team_id, version)::text)",
        "length(%s)",
        (NEWS + "test_a_run_page_gets_a_snapshot_and_then_each_change",),
    ),
    Break(
        "notified-with-the-commit",
        "A change is announced when it is committed, and never otherwise.",
        CHANGES,
        "        return [Changed(*row[:3]) for row in cursor.fetchall()]",
        "        rows = cursor.fetchall()\n"
        "    with connection.copy().cursor() as other:\n"
        "        other.execute(\"NOTIFY runboard_run, 'at once'\")\n"
        "    return [Changed(*row[:3]) for row in rows]",
        (NEWS + "test_a_change_that_is_rolled_back_is_never_announced",),
    ),
    Break(
        "listener-pings",
        "A LISTEN connection that died silently is noticed.",
        "dashboard/runs/notifications.py",
        'await asyncio.wait_for(line.execute("SELECT 1"), PING_TIMEOUT_S)',
        "pass",
        (
            "tests/integration/test_silent_connection.py::"
            "test_health_says_that_the_web_process_gets_no_changes_until_it_does_again",
        ),
    ),
    Break(
        "looked-again-on-reconnect",
        "Changes made while the LISTEN connection was down are shown when it is back.",
        LISTENER,
        "                for page in pages.of(EVERY_PAGE):\n                    page.look_again()",
        "                pass",
        (BROKEN + "test_pages_look_again_when_the_connection_to_the_database_was_lost",),
    ),
    Break(
        "joined-before-the-snapshot",
        "A change that comes while a page gets its first picture is shown.",
        CONSUMER,
        "        pages.join(self, (*self.group_names(), EVERY_PAGE))\n",
        "        await self.send_everything()\n"
        "        self._everything = False\n"
        "        pages.join(self, (*self.group_names(), EVERY_PAGE))\n",
        (NEWS + "test_a_change_made_while_the_first_picture_is_drawn_is_shown",),
    ),
    Break(
        "older-news-not-shown",
        "A page never goes back to an older state of a run.",
        "dashboard/live/member_consumers.py",
        "if member is None or version <= self.sent_version:",
        "if member is None:",
        (NEWS + "test_a_late_notice_does_not_bring_an_older_state_back",),
    ),
    Break(
        "rights-asked-again",
        "Who was taken out of a team hears no more.",
        LISTENER,
        "page.access_changed()",
        "pass",
        (HEARERS + "test_a_person_taken_out_of_the_team_gets_no_more_updates",),
    ),
    Break(
        "deaf-process-closes-sockets",
        "No page says that it is live while its process hears nothing.",
        LISTENER,
        "page.listening_lost()",
        "pass",
        (BROKEN + "test_a_process_that_gets_no_changes_takes_no_sockets_and_closes_those_it_has",),
    ),
    Break(
        "deaf-process-takes-no-sockets",
        "A process that hears nothing takes no sockets.",
        "dashboard/asgi.py",
        "if listener.is_deaf:",
        "if None:",
        (BROKEN + "test_a_process_that_gets_no_changes_takes_no_sockets_and_closes_those_it_has",),
    ),
    Break(
        "broken-page-is-closed",
        "A page that cannot get a change is closed, so that its browser asks again.",
        CONSUMER,
        "                await self.close(code=BROKEN)\n",
        "",
        (BROKEN + "test_a_page_that_cannot_be_rendered_is_closed_so_that_its_browser_asks_again",),
    ),
    Break(
        "page-waits-for-the-database",
        "A change that came while Postgres was away is shown when it is back.",
        CONSUMER,
        "                self._everything = True\n                self._news.set()\n                continue\n",
        "                continue\n",
        (BROKEN + "test_a_page_that_could_not_read_the_database_looks_again",),
    ),
    Break(
        "broken-listener-begins-anew",
        "A listener that broke listens again.",
        LISTENER,
        '            logger.exception("the listener failed and starts again")\n',
        "            return\n",
        (BROKEN + "test_a_listener_that_broke_says_so_and_listens_again",),
    ),
    Break(
        "workers-are-watched",
        "Open pages show that a worker started or fell silent.",
        LISTENER,
        "page.workers_changed()",
        "pass",
        (NEWS + "test_a_new_worker_is_announced_to_open_pages_and_to_those_opened_later",),
    ),
    Break(
        "outage-is-said-on-pages",
        "A page answers with a sentence while Postgres is away.",
        "dashboard/middleware.py",
        "        except DATABASE_AWAY as error:\n            return outage(request, error)\n\n"
        "    def handle_no_permission",
        "        except ZeroDivisionError as error:\n            return outage(request, error)\n\n"
        "    def handle_no_permission",
        ("tests/integration/test_outage.py::test_pages_say_so_while_postgres_is_away_and_are_back_with_it",),
    ),
    Break(
        "no-worker-is-said",
        "That no worker runs is said.",
        DIAGNOSIS,
        "    if state.living:\n        return None\n    silent",
        "    return None\n    silent",
        (DIAGNOSIS_TESTS + "test_each_illness_is_said",),
    ),
    Break(
        "stopping-worker-is-no-worker",
        "A worker that is being stopped does not count as one that takes runs.",
        "dashboard/monitoring/selectors.py",
        "    elif row.stopping_at is not None:\n",
        "    elif None:\n",
        ("tests/integration/test_worker_stopping.py::test_asked_twice_it_stops_at_once",),
    ),
    Break(
        "stuck-queue-is-said",
        "That runs are passed over is said.",
        DIAGNOSIS,
        "    if not state.is_stuck:\n",
        "    if state:\n",
        (DIAGNOSIS_TESTS + "test_each_illness_is_said",),
    ),
    Break(
        "deafness-is-said",
        "That a web process hears no changes is said.",
        DIAGNOSIS,
        "    if hears_changes:\n",
        "    if True:\n",
        (DIAGNOSIS_TESTS + "test_each_illness_is_said",),
    ),
    Break(
        "stuck-queue-is-noticed",
        "Runs that are due and passed over are noticed.",
        "dashboard/monitoring/selectors.py",
        "is_stuck=_is_stuck(at, workers)",
        "is_stuck=False",
        ("tests/integration/test_health.py::test_a_long_queue_that_is_worked_off_is_not_stuck",),
    ),
    Break(
        "lines-are-tried-often",
        "After a long outage open pages are live within ten seconds.",
        "static/js/socket.js",
        "const LONGEST_DELAY_MS = 4000;",
        "const LONGEST_DELAY_MS = 15000;",
        ("tests/browser/test_outage_pages.py::test_a_page_never_waits_longer_than_4_s_to_reconnect",),
    ),
    Break(
        "page-polls-without-a-socket",
        "A page whose socket cannot open asks again and again.",
        "static/js/polling.js",
        "setTimeout(poll, POLL_AFTER_MS)",
        "0",
        ("tests/browser/test_live_run.py::test_page_polls_when_the_socket_cannot_open",),
    ),
    Break(
        "live-after-the-snapshot",
        "A page is not called live before its socket has brought what the database holds.",
        "static/js/socket.js",
        "    socket.onclose = ({ code }) => this.closed(code);\n",
        "    socket.onclose = ({ code }) => this.closed(code);\n"
        "    socket.onopen = () => { this.hasSnapshot = true; this.settle(); };\n",
        ("tests/browser/test_live_run.py::test_an_open_socket_is_not_live_before_it_has_sent_what_the_database_holds",),
    ),
    Break(
        "silent-line-is-noticed",
        "A page whose socket is dead without knowing it is not called live.",
        "static/js/socket.js",
        "setInterval(() => this.checkSilence(), CHECK_EVERY_MS);",
        "0;",
        ("tests/browser/test_live_run.py::test_a_connection_that_falls_silent_is_not_live_and_another_is_opened",),
    ),
    Break(
        "quiet-line-says-so",
        "A socket without changes says that it is alive.",
        CONSUMER,
        "                    await self.send(text_data=BEAT)\n",
        "                    pass\n",
        (NEWS + "test_a_socket_without_changes_says_that_it_is_alive",),
    ),
    Break(
        "all-of-it-came",
        "A list that could not ask for all of its rows is not called live.",
        "static/js/socket.js",
        "this.hasMissed = true;",
        "0;",
        ("tests/browser/test_live_list.py::test_a_list_that_could_not_ask_for_all_of_it_is_not_called_live",),
    ),
    Break(
        "rows-below-are-asked-for",
        "A row below the first page that changed unheard is shown as it is.",
        "static/js/rows.js",
        "? [below(last)] : [];",
        "? [] : [];",
        ("tests/browser/test_live_list.py::test_a_run_below_the_first_page_that_ended_unnoticed_is_shown_as_it_is",),
    ),
    Break(
        "final-states-are-cleaned",
        "Nothing that a graph wrote is executed or fetched by the browser of who reads it.",
        "dashboard/runs/state/markdown.py",
        "clean = nh3.clean(",
        "clean = parser.render(text) or nh3.clean(",
        ("tests/unit/test_markdown.py::test_a_link_leads_elsewhere_without_a_referrer_and_runs_no_script",),
    ),
    Break(
        "downloads-outlive-outages",
        "A large final state that is being downloaded goes on when Postgres is back.",
        "dashboard/runs/state/download.py",
        "            if time.monotonic() >= ends:\n",
        "            if ends:\n",
        ("tests/integration/test_downloads.py::test_a_download_goes_on_after_its_connection_broke",),
    ),
)

"""How a run ended: what is believed of its server, and what is not."""

from __future__ import annotations

from tests.protections.broken import Break

EXECUTOR = "dashboard/worker/execution/executor.py"
LAUNCHER = "dashboard/worker/execution/launcher.py"
RESOLVE = "dashboard/worker/outcomes/resolve.py"
COLLECT = "dashboard/worker/outcomes/evidence.py"
RETRY = "dashboard/worker/retry.py"
THREADS = "dashboard/worker/outcomes/thread_status.py"

WORKS = "tests/integration/test_worker.py::"
LIARS = "tests/integration/test_lying_servers.py::"
SILENT = "tests/integration/test_silent_about_the_end.py::"
UNCONFIRMED = "tests/integration/test_unconfirmed_launches.py::"
LARGE = "tests/integration/test_too_large.py::"
CANCELS = "tests/integration/test_worker_cancels.py::"

EVIDENCE = (
    Break(
        "proxy-is-not-the-server",
        "A proxy's 404 page says nothing about a run.",
        RETRY,
        "is_a_proxys = error.status_code < 400 or (error.status_code == 404 and not error.is_json)",
        "is_a_proxys = False",
        (
            LIARS + "test_a_proxys_404_says_nothing_about_an_unconfirmed_launch",
            LIARS + "test_a_run_is_not_forgotten_because_something_else_answered",
        ),
    ),
    Break(
        "early-answer-not-believed",
        "An answer that comes while the server says that the run goes on is not its end.",
        COLLECT,
        "return self.remote_status in GOING_ON",
        "return self.answer is None",
        (WORKS + "test_an_early_empty_object_is_not_believed_while_the_run_goes_on",),
    ),
    Break(
        "empty-object-is-said-twice",
        "An empty object is not stored as the final state because a proxy said it.",
        EXECUTOR,
        'is_doubtful = not has_doubted and evidence.remote_status == "success" and evidence.is_doubtful',
        "is_doubtful = False",
        (LIARS + "test_an_empty_object_is_not_believed_at_once_although_the_run_is_over[without]",),
    ),
    Break(
        "end-is-asked",
        "How a run ended is asked of the server, and not read from its answer.",
        COLLECT,
        "    found = Evidence(answer, status)\n",
        '    status = "error" if answer and answer.graph_error else "success"\n    found = Evidence(answer, status)\n',
        (WORKS + "test_the_end_is_what_the_server_says_of_it",),
    ),
    Break(
        "own-last-state",
        "How a run ended comes from its own state, and not from that of a later run.",
        COLLECT,
        '    if metadata.get("run_id") == place.run_id:\n        return present, True',
        "    if metadata:\n        return present, True",
        (UNCONFIRMED + "test_how_a_run_ended_does_not_come_from_the_run_that_followed",),
    ),
    Break(
        "own-values-stand-in",
        "The values of the run that followed are not stored as this run's.",
        COLLECT,
        "summary is not None and (answer is None or (is_unsure and not is_present))",
        "summary is not None and answer is None",
        (UNCONFIRMED + "test_the_values_of_the_run_that_followed_are_not_stored",),
    ),
    Break(
        "too-large-is-not-asked-again",
        "An answer that is too large is not asked for again and again.",
        RETRY,
        "        except AnswerTooLarge:\n            raise\n",
        "",
        (LARGE + "test_how_it_ended_is_known_and_the_page_says_why_there_is_no_state",),
    ),
    Break(
        "too-large-stays-on-the-server",
        "A stateless run's thread is not deleted when its state was not kept here.",
        EXECUTOR,
        " or self._is_too_large:",
        ":",
        (LARGE + "test_what_is_not_kept_here_stays_on_the_server",),
    ),
    Break(
        "searched-thread-is-ours",
        "What a server says of another thread does not tell how a run ended.",
        THREADS,
        'if isinstance(thread, dict) and thread.get("thread_id") == thread_id:',
        "if isinstance(thread, dict):",
        (LARGE + "test_another_thread_that_the_search_found_says_nothing",),
    ),
    Break(
        "unknown-state-is-no-success",
        "A run without its state is not called succeeded on its status alone.",
        RESOLVE,
        '    if evidence.is_state_known or evidence.thread.get("status") == "idle":',
        "    if True:",
        (SILENT + "test_an_end_without_an_error_is_not_called_success_on_the_runs_word_alone",),
    ),
    Break(
        "unknown-state-may-be-paused",
        "A run that stopped at a node is paused, even without its state.",
        RESOLVE,
        '    if evidence.thread.get("status") == "interrupted":',
        "    if None:",
        (SILENT + "test_a_state_that_never_comes_does_not_keep_a_run_running[broken-at a node]",),
    ),
    Break(
        "patience-for-a-state-ends",
        "A server that says that a run is over, and never in which state, is not waited for without end.",
        RETRY,
        "        is_over = now - began >= patience_s\n",
        "        is_over = False\n",
        (SILENT + "test_a_state_that_never_comes_does_not_keep_a_run_running[away-well]",),
    ),
    Break(
        "silence-about-the-end-is-said",
        "The page says that the server does not say how the run ended.",
        RETRY,
        "if on_event is not None and not is_said and not is_broken and now - began >= SAID_AFTER_S:",
        "if None:",
        (SILENT + "test_the_page_says_that_the_end_is_not_known_yet",),
    ),
    Break(
        "questions-in-the-state-count",
        "A run that waits for a person is not called paused because its answer did not tell the question.",
        RESOLVE,
        '    asked = asked or [one for task in _tasks(evidence) for one in _list(task.get("interrupts"))]\n',
        "",
        ("tests/unit/test_resolve.py::test_the_servers_word_decides_and_never_the_body",),
    ),
    Break(
        "next-node-means-paused",
        "A run that stopped before a node is paused and has not succeeded.",
        RESOLVE,
        "    if waiting:\n",
        "    if None:\n",
        ("tests/unit/test_resolve.py::test_the_servers_word_decides_and_never_the_body",),
    ),
    Break(
        "rolled-back-is-cancelled",
        "A run that is gone because it was rolled back is cancelled and not lost.",
        RESOLVE,
        "    if was_answered and evidence.thread_known:\n",
        "    if None:\n",
        (WORKS + "test_the_end_is_what_the_server_says_of_it",),
    ),
    Break(
        "forgotten-run-is-lost",
        "A run that its server forgot is lost, and not called cancelled.",
        RESOLVE,
        "    if was_answered and evidence.thread_known:\n",
        "    if evidence.answer is not None:\n",
        ("tests/unit/test_resolve.py::test_the_servers_word_decides_and_never_the_body",),
    ),
    Break(
        "rollback-is-passed-on",
        "Who asked for a rollback gets one.",
        "dashboard/worker/execution/cancel.py",
        'action=cast("CancelAction", action)',
        'action=cast("CancelAction", "interrupt")',
        (CANCELS + "test_rollback_is_cancelled_with_its_values_kept_here",),
    ),
    Break(
        "rollback-is-remembered",
        "A rolled back run is shown as one although Postgres is away when it is gone.",
        LAUNCHER,
        "self.run.cancel_action = await self._database.call_with_retry(leases.cancel_action_of, self.lease)\n"
        "        return self.run.cancel_action",
        "return await self._database.call_with_retry(leases.cancel_action_of, self.lease)",
        (LIARS + "test_a_rollback_is_shown_as_one_although_postgres_is_away_when_the_run_is_gone",),
    ),
    Break(
        "masked-errors-are-unmasked",
        "An error that the server masked is shown as the graph raised it.",
        RESOLVE,
        'MASKED = "An internal error occurred"',
        'MASKED = "-"',
        ("tests/unit/test_resolve.py::test_a_masked_message_comes_from_the_state",),
    ),
    Break(
        "stateless-runs-are-kept",
        "A stateless run is kept at its server until it was asked how it ended.",
        "dashboard/worker/execution/claimed_run.py",
        'given["on_completion"] = "keep"',
        "pass",
        (WORKS + "test_a_stateless_run_is_classified_and_its_thread_then_deleted",),
    ),
    Break(
        "cancel-is-tried-again",
        "A cancel asked while the server is away is delivered when it is back.",
        "dashboard/worker/execution/cancel.py",
        "        await asyncio.sleep(delay_s)\n",
        "        return\n",
        (CANCELS + "test_cancel_waits_for_a_server_that_is_away",),
    ),
    Break(
        "proxy-does-not-take-a-cancel",
        "A proxy's 404 page does not mean that there is nothing to cancel.",
        "dashboard/worker/execution/cancel.py",
        "            return False\n        raise\n    return True",
        "            return False\n        return False\n    return True",
        (LIARS + "test_a_cancel_is_delivered_although_a_proxy_answers_first",),
    ),
    Break(
        "ended-with-its-line",
        "A run that its server ended because our connection closed says so.",
        EXECUTOR,
        'ended_with_connection=self.run.on_disconnect == "cancel" and not self._connection.is_first,',
        "ended_with_connection=False,",
        (
            "tests/integration/test_worker_stopping.py"
            "::test_when_the_grace_is_over_the_connection_is_closed_and_the_run_says_why_it_ended",
        ),
    ),
)

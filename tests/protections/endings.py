"""How a run ended without its own state: nothing of another run counts, and nothing is given up early."""

from __future__ import annotations

from tests.protections.broken import Break

EXECUTOR = "dashboard/worker/execution/executor.py"
LAUNCHER = "dashboard/worker/execution/launcher.py"
RESOLVE = "dashboard/worker/outcomes/resolve.py"
COLLECT = "dashboard/worker/outcomes/evidence.py"
THREADS = "dashboard/worker/outcomes/thread_status.py"

LARGE = "tests/integration/test_too_large.py::"
WORDING = "tests/integration/test_banners_and_timeline.py::"
SILENT = "tests/integration/test_silent_about_the_end.py::"
WORKS = "tests/integration/test_worker.py::"
LIARS = "tests/integration/test_lying_servers.py::"
VIEWS = "tests/integration/test_run_views.py::"
CANCELS = "tests/integration/test_worker_cancels.py::"

ENDINGS = (
    Break(
        "threads-end-is-this-runs",
        "What a later run left on the thread does not count for this one.",
        THREADS,
        "    return {} if is_anothers([run",
        "    return {} if False and is_anothers([run",
        (LARGE + "test_what_a_run_that_follows_left_on_the_thread_does_not_count_for_this_one",),
    ),
    Break(
        "thread-is-asked-with-patience",
        "One answer that fails does not make an end unknown.",
        COLLECT,
        "            patience_s = max(0.0, patience_s - (time.monotonic() - began))\n",
        "            patience_s = 0.0\n",
        (LARGE + "test_one_answer_that_fails_does_not_make_it_unknown",),
    ),
    Break(
        "read-by-its-own-graph",
        "That nothing waits is not believed when another graph says so.",
        THREADS,
        "    return not graph_id or not own or bool(graph_id == own)\n",
        "    return True\n",
        (SILENT + "test_that_nothing_waits_is_not_believed_of_another_graph",),
    ),
    Break(
        "deleted-is-not-rolled-back",
        "A run that somebody deleted is not said to be undone.",
        "dashboard/worker/outcomes/resolve.py",
        "and not is_still_busy:\n",
        "or is_still_busy:\n",
        ("tests/unit/test_resolve.py::test_the_servers_word_decides_and_never_the_body",),
    ),
    Break(
        "servers-own-error-is-no-state",
        "The server's own error is not taken for an answer of the run.",
        "dashboard/worker/outcomes/resolve.py",
        '    if said is not None and said.type == "HTTPException":\n',
        "    if None:\n",
        ("tests/unit/test_resolve.py::test_the_servers_word_decides_and_never_the_body",),
    ),
    Break(
        "old-question-is-not-answered",
        "A question that another run may have answered is not offered to be answered again.",
        "dashboard/runs/banners.py",
        "    if run.wait_state == WaitState.OPEN:\n        return None\n",
        "    if run:\n        return None\n",
        (WORDING + "test_a_question_that_another_run_may_have_answered_is_not_to_be_answered_again",),
    ),
    Break(
        "pages-hear-of-a-follower",
        "The open page of a question hears that another run was launched on its thread.",
        "dashboard/runs/services.py",
        "        notify_thread_waiters(run, is_there=True)\n",
        "",
        (WORDING + "test_a_question_that_another_run_may_have_answered_is_not_to_be_answered_again",),
    ),
    Break(
        "cancelled-runs-can-be-referred-to",
        "A run can be launched again while it is being cancelled.",
        "dashboard/runs/services.py",
        "select_for_update(no_key=True)",
        "select_for_update()",
        ("tests/integration/test_followed.py::test_a_run_can_be_launched_again_while_it_is_being_cancelled",),
    ),
    Break(
        "undoers-are-named",
        "A lost run that another run was to undo says so.",
        "dashboard/runs/banners.py",
        "    return pusher if pusher.request.params",
        "    return None if pusher.request.params",
        (WORDING + "test_a_lost_run_names_the_run_that_has_probably_undone_it",),
    ),
    Break(
        "late-answers-are-not-launched",
        "An answer to a question that waits no more is not launched.",
        "dashboard/runs/waiting.py",
        "    if waiting.wait_state != WaitState.OPEN:\n        raise NotOpen(waiting)\n",
        "",
        ("tests/integration/test_answers.py::test_an_answer_to_what_is_gone_is_not_launched",),
    ),
    Break(
        "late-ends-are-dated-by-the-server",
        "A run that ended unseen is dated by when it ended.",
        "dashboard/runs/outcomes.py",
        "    if outcome.took_s is not None:\n",
        "    if None:\n",
        ("tests/integration/test_late_ends.py::test_a_run_is_dated_by_when_it_ended_and_not_by_when_that_was_noticed",),
    ),
    Break(
        "own-stillness-is-admitted",
        "A worker that stood still does not blame the server.",
        "dashboard/worker/execution/connection.py",
        "own if stall_s else event.reason",
        "event.reason",
        ("tests/integration/test_late_ends.py::test_a_worker_that_stood_still_does_not_blame_the_server",),
    ),
    Break(
        "history-is-this-runs",
        "A state of another run that a server gives instead is not taken for this one's.",
        COLLECT,
        "    if _run_of(states[0]) != place.run_id:\n",
        "    if False:\n",
        (SILENT + "test_what_another_run_left_is_not_taken_for_its_own",),
    ),
    Break(
        "no-history-is-no-state",
        "A server that will not give a run's history has not said that there is none.",
        COLLECT,
        "        raise GaveUp(error) from error  # there may be one",
        "        return None, False  # there may be one",
        (SILENT + "test_what_another_run_left_is_not_taken_for_its_own",),
    ),
    Break(
        "large-questions-are-questions",
        "A question that is too large to be stored still counts.",
        THREADS,
        '        found = {**found, "interrupts": {"": [{}]}} if found else None\n',
        "",
        (LARGE + "test_questions_that_are_too_large_are_still_questions",),
    ),
    Break(
        "rolled-back-though-too-large",
        "A rollback is noticed although the answer was too large to be stored.",
        LAUNCHER,
        "            self._wait_ended = self._is_too_large\n",
        "",
        (LARGE + "test_it_is_rolled_back_although_its_answer_was_too_large",),
    ),
    Break(
        "lookup-without-values",
        "A stateless launch is found whatever it left on its thread.",
        "dashboard/worker/execution/launch_lookup.py",
        'select=("thread_id",), ',
        "",
        (LARGE + "test_a_stateless_launch_is_found_whatever_it_left_on_its_thread",),
    ),
    Break(
        "answer-kept-though-not-found",
        "An answer that came is kept although its run is not found.",
        LAUNCHER,
        "        except (NotLaunched, CannotKnow, RequestRejected, AnswerTooLarge):\n",
        "        except (NotLaunched, CannotKnow, RequestRejected):\n",
        (LARGE + "test_an_answer_that_came_is_kept_although_its_run_is_not_found",),
    ),
    Break(
        "thread-of-a-lost-run-stays",
        "What a lost run left on its server stays where somebody may look for it.",
        EXECUTOR,
        "            if is_known:  #",
        "            if True:  #",
        (SILENT + "test_the_thread_of_a_stateless_run_that_is_lost_stays_where_somebody_may_look",),
    ),
    Break(
        "short-requests-are-fair",
        "A run that has waited longest to be asked about is asked about next.",
        "dashboard/langgraph/_transport/client.py",
        "                async with self._short_slots:  #",
        "                while self._short_slots._value < 1:\n"
        "                    await asyncio.sleep(0.001)\n"
        "                async with self._short_slots:  #",
        ("tests/unit/langgraph/test_short_requests.py::test_who_has_waited_longest_is_next",),
    ),
    Break(
        "kept-connections-are-alive",
        "A question does not go out on a connection that the server has closed.",
        "dashboard/langgraph/_transport/connections.py",
        "if not connection.has_expired():",
        "if connection:",
        ("tests/unit/langgraph/test_connections.py::test_one_that_the_server_has_closed_is_not_used",),
    ),
    Break(
        "half-read-connections-are-closed",
        "A question does not go out on a connection where an older answer is still to come.",
        "dashboard/langgraph/_transport/connections.py",
        "if connection.is_available() and",
        "if",
        ("tests/unit/langgraph/test_connections.py::test_one_whose_answer_was_not_read_to_its_end_is_not_used_again",),
    ),
    Break(
        "rolled-back-values-stay-here",
        "What a run had written when it was rolled back is kept here, byte for byte.",
        RESOLVE,
        'body=_body(evidence), ending={"rolled_back": True, **note})',
        'body=b"{}", ending={"rolled_back": True, **note})',
        (CANCELS + "test_rollback_is_cancelled_with_its_values_kept_here",),
    ),
    Break(
        "cancelled-values-are-kept",
        "What a run had written when it was cancelled is kept, byte for byte.",
        RESOLVE,
        "    body = None if left_nothing else _body(evidence)\n",
        "    body = None\n",
        (CANCELS + "test_cancel_is_delivered_and_confirmed_by_the_server",),
    ),
    Break(
        "never-began-left-nothing",
        "What others left on the thread is not kept as the final state of a run that was cancelled before it began.",
        RESOLVE,
        "    body = None if left_nothing else _body(evidence)\n",
        "    body = _body(evidence)\n",
        (CANCELS + "test_a_run_that_was_cancelled_before_it_began_does_not_keep_what_another_left_on_its_thread",),
    ),
    Break(
        "values-before-the-time-limit-are-kept",
        "What a run had written until its time was up is kept, byte for byte.",
        RESOLVE,
        "RunStatus.TIMED_OUT, body=_body(evidence))",
        'RunStatus.TIMED_OUT, body=b"{}")',
        (WORKS + "test_the_end_is_what_the_server_says_of_it",),
    ),
    Break(
        "paused-values-are-kept",
        "What a run had written when it was paused is kept, byte for byte.",
        RESOLVE,
        'body=_body(evidence), ending={"next": waiting})',
        'body=b"{}", ending={"next": waiting})',
        (WORKS + "test_the_end_is_what_the_server_says_of_it",),
    ),
    Break(
        "values-beside-a-question-are-kept",
        "What a run had written when it asked is kept, byte for byte.",
        RESOLVE,
        "return Outcome(RunStatus.NEEDS_INPUT, body=_body(evidence), ending=ending)",
        'return Outcome(RunStatus.NEEDS_INPUT, body=b"{}", ending=ending)',
        (WORKS + "test_the_end_is_what_the_server_says_of_it",),
    ),
    Break(
        "no-reason-is-said-to-be-none",
        "A failure of which the server says nothing is not blamed on what the run was launched with.",
        "dashboard/runs/banners.py",
        "    if run.error_message == NO_REASON:\n",
        "    if None:\n",
        (LIARS + "test_an_empty_object_for_a_run_that_failed_is_a_failure_of_which_the_server_gave_no_reason",),
    ),
    Break(
        "empty-answer-is-no-success",
        "A run that failed has failed although its answer is an empty object.",
        RESOLVE,
        '    "error": _failed,\n',
        '    "error": lambda e: (_failed if e.answer and e.answer.graph_error else _stopped_well)(e),\n',
        (LIARS + "test_an_empty_object_for_a_run_that_failed_is_a_failure_of_which_the_server_gave_no_reason",),
    ),
    Break(
        "missing-ids-are-looked-up",
        "A run that was awaited without its ids is found, and asked how it ended.",
        LAUNCHER,
        "            await self._name(answer)\n",
        "            pass\n",
        (LIARS + "test_an_empty_object_for_a_run_that_failed_is_a_failure_of_which_the_server_gave_no_reason",),
    ),
    Break(
        "size-is-shown",
        "The page says how large the final state is, in bytes as received.",
        "templates/runs/_result.html",
        "{{ result.size_bytes|size }}",
        "{{ result.sha256|length|size }}",
        (VIEWS + "test_a_final_state_is_shown_with_its_size_and_hash_as_received",),
    ),
)

"""Launches: sent again only when that is safe, and never twice."""

from __future__ import annotations

from tests.protections.broken import Break

EXECUTOR = "dashboard/worker/execution/executor.py"
LOOKUP = "dashboard/worker/execution/launch_lookup.py"
HTTP = "dashboard/langgraph/_transport/client.py"

WORKS = "tests/integration/test_worker.py::"
LIARS = "tests/integration/test_lying_servers.py::"
REFUSALS = "tests/integration/test_refusals_of_a_run.py::"
UNCONFIRMED = "tests/integration/test_unconfirmed_launches.py::"
LARGE = "tests/integration/test_too_large.py::"

LAUNCHES = (
    Break(
        "unconfirmed-is-looked-up",
        "A launch whose answer was lost is looked up by our id before anything else.",
        LOOKUP,
        "    named = [run for run in runs if _our_id_in(run) == launch.our_id]\n",
        "    return LookupResult(is_absent=True)\n"
        "    named = [run for run in runs if _our_id_in(run) == launch.our_id]\n",
        (UNCONFIRMED + "test_an_unconfirmed_launch_that_took_effect_is_found_and_joined",),
    ),
    Break(
        "looked-up-more-than-once",
        "A request that the server is slow to take is found by a later look.",
        LOOKUP,
        "LOOKUPS = 4",
        "LOOKUPS = 1",
        (UNCONFIRMED + "test_a_launch_that_the_server_is_slow_to_take_is_found_by_a_later_look",),
    ),
    Break(
        "our-id-is-what-is-looked-for",
        "Another run on the same thread is not taken for ours.",
        LOOKUP,
        "if _our_id_in(run) == launch.our_id]",
        "if _our_id_in(run)]",
        (UNCONFIRMED + "test_another_run_on_the_thread_is_not_taken_for_ours",),
    ),
    Break(
        "not-launched-is-sent-again",
        "A launch that provably took no effect is sent again.",
        LOOKUP,
        'raise NotLaunched("The launch was not confirmed',
        'raise CannotKnow("The launch was not confirmed',
        (UNCONFIRMED + "test_an_unconfirmed_launch_that_took_no_effect_is_sent_again_once_that_is_sure",),
    ),
    Break(
        "stateless-never-sent-again",
        "A stateless launch whose answer was lost is never sent again.",
        LOOKUP,
        'raise CannotKnow(\n        "The connection broke',
        'raise NotLaunched(\n        "The connection broke',
        (UNCONFIRMED + "test_an_unconfirmed_stateless_launch_is_lost_and_never_sent_again",),
    ),
    Break(
        "no-answer-may-have-created",
        "A request that left and got no answer may have created its run.",
        "dashboard/langgraph/_transport/request_trace.py",
        "return ServerUnreachablePerhapsCreated(",
        "return ServerUnreachableNotCreated(",
        (UNCONFIRMED + "test_an_unconfirmed_launch_that_took_effect_is_found_and_joined",),
    ),
    Break(
        "failing-server-may-have-created",
        "A server that fails while it takes a launch may have created its run.",
        "dashboard/langgraph/_transport/error_responses.py",
        "kind = ServerUnreachablePerhapsCreated if changes else ServerUnreachableNotCreated",
        "kind = ServerUnreachableNotCreated",
        (REFUSALS + "test_a_launch_that_failed_on_the_server_is_looked_up_and_never_doubled",),
    ),
    Break(
        "posts-on-fresh-connections",
        "What creates a run never goes out on a connection that the server may just have closed.",
        HTTP,
        "client = self._kept if on_kept else self._fresh",
        "client = self._kept",
        (
            "tests/unit/langgraph/test_short_questions.py::test_what_changes_something_never_goes_out_on_a_used_connection",
            "tests/unit/langgraph/test_waiting.py::test_each_post_has_a_connection_of_its_own",
        ),
    ),
    Break(
        "proxy-does-not-deny-a-launch",
        "A proxy's 404 page does not mean that a launch took no effect.",
        LOOKUP,
        "        if is_retryable(error):\n            raise\n        return LookupResult(is_absent=True)",
        "        return LookupResult(is_absent=True)",
        (LIARS + "test_a_proxys_404_says_nothing_about_an_unconfirmed_launch",),
    ),
    Break(
        "looked-up-without-inputs",
        "Looking a launch up does not bring the inputs of all the thread's runs.",
        LOOKUP,
        " select=LOOKUP_FIELDS,",
        "",
        (LARGE + "test_a_launch_is_found_among_runs_with_large_inputs",),
    ),
    Break(
        "away-is-tried-again",
        "A run whose server is away is sent when it is back.",
        "dashboard/worker/outcomes/resolve.py",
        "            return TryLater(str(error), error.retry_after_s)",
        '            return Outcome(RunStatus.FAILED, RunError("Server unreachable", str(error)))',
        (WORKS + "test_a_server_that_is_away_gets_the_run_when_it_is_back",),
    ),
    Break(
        "patience-ends",
        "A run whose server stays away fails when the server's settings say so.",
        "dashboard/runs/leases.py",
        "if Run.objects.filter(gave_up, pk=run.pk).exists():",
        "if not gave_up:",
        (WORKS + "test_patience_ends",),
    ),
    Break(
        "launch-heeds-retry-after",
        "A launch is sent again when the server said, and not before.",
        EXECUTOR,
        "later.retry_after_s or 0.0)",
        "0.0)",
        (REFUSALS + "test_a_launch_refused_for_now_is_sent_again_when_the_server_says",),
    ),
    Break(
        "redirects-not-followed",
        "Nothing is sent to where a redirect leads, least of all our keys.",
        HTTP,
        "follow_redirects=False",
        "follow_redirects=True",
        (REFUSALS + "test_a_redirect_is_never_followed",),
    ),
    Break(
        "only-ids-are-taken",
        "Of a Location nothing is taken that could lead elsewhere.",
        "dashboard/langgraph/_transport/urls.py",
        "if not _ID.match(run_id):",
        "if None:",
        ("tests/unit/langgraph/test_headers.py::test_only_ids_are_taken_from_the_headers",),
    ),
    Break(
        "launches-that-cannot-be-looked-up",
        "A launch that was not confirmed, and about which nothing is said, is never sent again.",
        "dashboard/worker/outcomes/resolve.py",
        '            return Outcome(RunStatus.LOST, RunError("Not known", sentence), body=body)',
        "            return TryLater(sentence)",
        (UNCONFIRMED + "test_a_launch_that_the_server_will_not_be_asked_about_is_lost_and_never_sent_again",),
    ),
    Break(
        "launches-back-off",
        "A server that stays away is tried less and less often.",
        EXECUTOR,
        "REQUEUE.delay_s(self.run.attempts - 1)",
        "REQUEUE.first_s",
        (UNCONFIRMED + "test_a_server_that_stays_away_is_tried_less_and_less_often",),
    ),
)

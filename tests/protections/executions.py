"""How often a run was executed, as its page says."""

from __future__ import annotations

from tests.protections.broken import Break

LAUNCHER = "dashboard/worker/execution/launcher.py"
RESOLVE = "dashboard/worker/outcomes/resolve.py"
CONNECTION = "dashboard/worker/execution/connection.py"
REEXECUTION = "dashboard/worker/execution/restart_detection.py"

REPEATED = "tests/integration/test_reexecution.py::"

EXECUTIONS = (
    Break(
        "executed-again-is-noted",
        "A run that its server executed again says so.",
        CONNECTION,
        "        if again is not None:\n",
        "        if None:\n",
        (REPEATED + "test_a_run_that_its_server_began_again_says_so",),
    ),
    Break(
        "executed-again-is-noted-of-adopted-runs",
        "A run that its server executed again while another worker, or nobody, awaited it says so.",
        CONNECTION,
        '"joined" and self._is_unseen:',
        '"joined" and None:',
        (REPEATED + "test_a_run_that_was_begun_again_while_nobody_awaited_it_says_so",),
    ),
    Break(
        "executed-again-is-found-however-busy-it-was-since",
        "A run that its server executed again says so, however many states it has left since.",
        REEXECUTION,
        "before=_checkpoint_id(before),",
        "",
        (REPEATED + "test_a_run_that_was_begun_again_while_nobody_awaited_it_says_so",),
    ),
    Break(
        "executed-again-is-asked-until-it-is-answered",
        "A server that does not answer right after its restart is asked again whether it began a run again.",
        CONNECTION,
        "await retry_until_answered(ask, patience_s=RESTART_PATIENCE_S)",
        "await ask()",
        (REPEATED + "test_a_server_that_does_not_say_so_at_once_is_asked_again",),
    ),
    Break(
        "executed-again-is-noted-once",
        "Another execution is counted once, however often the connection breaks.",
        REEXECUTION,
        "now.since != last.since and",
        "",
        (REPEATED + "test_what_its_former_worker_has_said_is_not_said_again",),
    ),
    Break(
        "waiting-to-be-executed-again-is-no-execution",
        "A run that waits before its server executes it again is not said to have been executed once more than it was.",
        REEXECUTION,
        '(last.status, now.status) != ("pending", "running")',
        "True",
        (REPEATED + "test_a_run_that_waits_before_it_is_begun_again_is_executed_once_more_and_not_twice",),
    ),
    Break(
        "beginning-late-is-not-beginning-anew",
        "A run that only waited for its turn is not said to have been executed again.",
        REEXECUTION,
        "or await self._left_a_state(before)",
        "or True",
        (REPEATED + "test_a_run_that_began_while_nobody_awaited_it_is_not_called_a_repetition",),
    ),
    Break(
        "states-of-others-prove-nothing",
        "Another run's state does not prove that a run was executed again.",
        REEXECUTION,
        '(each.state.get("metadata") or {}).get("run_id") == place.run_id',
        "True",
        (REPEATED + "test_a_run_that_began_while_nobody_awaited_it_is_not_called_a_repetition",),
    ),
    Break(
        "beginning-while-the-line-is-lost-is-not-beginning-anew",
        "A run that began while its connection was lost does not count as executed again.",
        CONNECTION,
        "had_begun=self._had_begun)",
        "had_begun=True)",
        (REPEATED + "test_a_run_that_began_while_its_connection_was_lost_has_not_begun_again",),
    ),
    Break(
        "runs-found-late-are-not-taken-for-new",
        "A run that was found long after its launch is not said to have been executed again.",
        LAUNCHER,
        "await self._created(found.thread_id, found.run_id, is_new=False)",
        "await self._created(found.thread_id, found.run_id, is_new=True)",
        (REPEATED + "test_a_run_that_was_found_late_is_looked_at_by_its_own_times",),
    ),
    Break(
        "executions-are-written-once",
        "Another execution is counted once, also when Postgres took it and could not say so.",
        "dashboard/runs/leases.py",
        "        if run.executions < executions:\n",
        "        if True:\n",
        (REPEATED + "test_it_is_counted_once_also_when_postgres_took_it_and_could_not_say_so",),
    ),
    Break(
        "executed-again-before-it-was-adopted",
        "A run that was over when it was adopted says that its server executed it again, where the server counts.",
        RESOLVE,
        "    return attempt if isinstance(attempt, int) else 1\n",
        "    return 1\n",
        (REPEATED + "test_a_run_that_was_over_when_it_was_adopted_says_so_where_the_server_counts",),
    ),
)

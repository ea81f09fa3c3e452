"""Who may write about a run, and who may send it."""

from __future__ import annotations

from tests.protections.broken import Break

LEASES_PY = "dashboard/runs/leases.py"
LAUNCHER = "dashboard/worker/execution/launcher.py"
WORKER = "dashboard/worker/worker.py"

LEASES = "tests/integration/test_leases.py::"
WORKS = "tests/integration/test_worker.py::"
UPKEEP = "tests/integration/test_worker_upkeep.py::"
STOPPING = "tests/integration/test_worker_stopping.py::"

IN_FORCE = "pk=lease.run_id, lease_owner=lease.owner, fence=lease.fence, status__in=HELD)"

LEASE_BREAKS = (
    Break(
        "hold-owner",
        "A worker that handed a run back writes nothing more about it.",
        LEASES_PY,
        IN_FORCE,
        "pk=lease.run_id, fence=lease.fence, status__in=HELD)",
        (LEASES + "test_a_worker_that_handed_a_run_back_writes_nothing_more",),
    ),
    Break(
        "hold-fence",
        "A worker that has a run for the second time writes nothing by its first lease.",
        LEASES_PY,
        IN_FORCE,
        "pk=lease.run_id, lease_owner=lease.owner, status__in=HELD)",
        (LEASES + "test_an_earlier_hold_of_the_same_worker_is_gone",),
    ),
    Break(
        "fence-raised",
        "Every change of hands raises the fence.",
        LEASES_PY,
        '"fence": F("fence") + 1}',
        '"fence": F("fence")}',
        (LEASES + "test_an_earlier_hold_of_the_same_worker_is_gone",),
    ),
    Break(
        "renewal-knows-the-fence",
        "A worker does not get a run back that it has lost.",
        LEASES_PY,
        "if fences[run_id] == fence}",
        "if fences}",
        (LEASES + "test_an_earlier_hold_of_the_same_worker_is_gone",),
    ),
    Break(
        "renewal-leaves-others-alone",
        "A worker does not renew the lease of another.",
        LEASES_PY,
        "= ANY(%s) AND lease_owner = %s",
        "= ANY(%s) AND %s IS NOT NULL",
        (LEASES + "test_a_worker_does_not_renew_the_lease_of_another",),
    ),
    Break(
        "claim-locks",
        "Two workers never take the same run.",
        LEASES_PY,
        "Run.objects.select_for_update(skip_locked=True, no_key=True)",
        "Run.objects",
        (LEASES + "test_a_claim_leaves_alone_what_another_is_just_taking",),
    ),
    Break(
        "claim-skips-locked",
        "A worker that is slow to take a run does not hold up the others.",
        LEASES_PY,
        "select_for_update(skip_locked=True, no_key=True)",
        "select_for_update(no_key=True)",
        (LEASES + "test_a_claim_leaves_alone_what_another_is_just_taking",),
    ),
    Break(
        "orphans-adopted",
        "A run whose worker was killed is taken over when its lease has run out.",
        LEASES_PY,
        "Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=Now())",
        "Q(lease_expires_at__isnull=True)",
        (WORKS + "test_a_killed_workers_run_is_adopted_when_its_lease_has_run_out",),
    ),
    Break(
        "own-runs-kept",
        "A worker whose leases ran out in an outage does not take its own runs over from itself.",
        LEASES_PY,
        "mine = {run_id for run_id, lease in held.items() "
        "if PreviousOwner(run_id, lease.owner, lease.fence) in orphaned}",
        "mine: set[UUID] = set()",
        (UPKEEP + "test_a_worker_whose_leases_ran_out_in_an_outage_does_not_take_its_runs_over_from_itself",),
    ),
    Break(
        "lost-runs-let-go",
        "A worker stops awaiting what another has taken over.",
        WORKER,
        "gone.append(task)",
        "pass",
        (UPKEEP + "test_losing_many_runs_at_once_does_not_hold_up_the_leases_of_the_others",),
    ),
    Break(
        "taken-over-by-the-databases-clock",
        "Whether a lease has run out is asked of the database's clock.",
        LEASES_PY,
        "Q(lease_expires_at__lt=Now())",
        'Q(lease_expires_at__lt=__import__("django.utils.timezone").utils.timezone.now())',
        (LEASES + "test_a_run_is_taken_over_when_the_database_says_that_its_lease_is_over",),
    ),
    Break(
        "leased-by-the-databases-clock",
        "A run is taken until a moment of the database's clock.",
        LEASES_PY,
        '"lease_expires_at": Now() + LEASE, "fence"',
        '"lease_expires_at": __import__("django.utils.timezone").utils.timezone.now() + LEASE, "fence"',
        (LEASES + "test_a_lease_is_taken_and_renewed_by_the_databases_clock",),
    ),
    Break(
        "renewed-by-the-databases-clock",
        "A lease is renewed by the database's clock.",
        LEASES_PY,
        "SET lease_expires_at = statement_timestamp() + make",
        'SET lease_expires_at = to_timestamp(""" + str(__import__("time").time()) + """) + make',
        (LEASES + "test_a_lease_is_taken_and_renewed_by_the_databases_clock",),
    ),
    Break(
        "lease-asked-before-sending",
        "A worker whose lease may have run out sends nothing.",
        LAUNCHER,
        "if lease_clock() >= self._lease_until():",
        "if self._lease_until() is None:",
        (WORKS + "test_a_worker_whose_lease_may_have_run_out_sends_nothing",),
    ),
    Break(
        "asked-in-the-last-moment",
        "The lease is asked when the connection stands, just before the first byte.",
        "dashboard/langgraph/_transport/request_trace.py",
        "if self._before_send:",
        "if None:",
        (
            "tests/unit/langgraph/test_waiting.py::test_a_veto_in_the_last_moment_sends_nothing",
            WORKS + "test_a_worker_whose_lease_may_have_run_out_sends_nothing",
        ),
    ),
    Break(
        "lease-clock-counts-sleep",
        "A machine that slept knows that its leases are gone.",
        "dashboard/worker/lease_clock.py",
        "time.clock_gettime(time.CLOCK_BOOTTIME)",
        "time.monotonic()",
        (UPKEEP + "test_a_machine_that_slept_just_before_it_sent_sends_only_what_it_still_holds",),
    ),
    Break(
        "unsent-is-queued-again",
        "A run that was not sent because its lease was in doubt is sent later.",
        LAUNCHER,
        "await self._database.call_with_retry(leases.run_unsent, self.lease, delay_s=UNSENT_PAUSE_S)",
        "pass",
        (UPKEEP + "test_a_run_that_was_not_sent_because_its_lease_was_in_doubt_is_sent_a_moment_later",),
    ),
    Break(
        "sending-is-written-first",
        "That a run is about to be sent is written before it is.",
        LEASES_PY,
        ".update(sent_at=Now()):",
        ".update(sent_at=None):",
        (LEASES + "test_a_run_whose_worker_was_killed_while_it_was_sent_is_created_once",),
    ),
    Break(
        "sent-without-ids-is-looked-up",
        "A run that a killed worker may have sent is looked up before it is sent.",
        LAUNCHER,
        "        if self.run.was_sent:\n            return await",
        "        if None:\n            return await",
        (LEASES + "test_a_run_whose_worker_was_killed_while_it_was_sent_is_created_once",),
    ),
    Break(
        "launch-key",
        "A form that is sent twice launches one run.",
        "dashboard/runs/services.py",
        "        launch_key=order.launch_key,\n",
        "",
        ("tests/integration/test_launch_views.py::test_the_same_form_sent_twice_launches_once",),
    ),
    Break(
        "poll-without-notice",
        "A worker that hears no notice looks at the queue all the same.",
        WORKER,
        "await _wait(self._wake, POLL_S)",
        "await self._wake.wait()",
        (WORKS + "test_a_server_that_is_away_gets_the_run_when_it_is_back",),
    ),
    Break(
        "cancels-without-notice",
        "A worker that hears no notice finds out that somebody asked to cancel.",
        WORKER,
        "                await self._let_them_end(gone)\n                await self._look_for_cancels()",
        "                await self._let_them_end(gone)",
        (LEASES + "test_a_cancel_that_no_worker_noticed_is_delivered",),
    ),
    Break(
        "handed-back-when-stopped",
        "A worker that is stopped gives its runs back at once.",
        WORKER,
        "count = await self._database.call_with_retry(leases.leases_hand_back, owner=self.id, but=but)",
        "count = 0",
        (WORKS + "test_a_stopped_worker_hands_over_and_the_next_one_joins",),
    ),
    Break(
        "ends-in-hand-are-stored",
        "A worker that is stopped stores the ends it has in hand.",
        WORKER,
        "        await self._until(self._is_idle, BUSY_GRACE_S)\n        kept =",
        "        kept =",
        (
            UPKEEP + "test_a_worker_that_is_stopped_stores_the_ends_it_has_in_hand",
            UPKEEP + "test_a_worker_stopped_just_before_it_sends_leaves_no_run_in_doubt",
        ),
    ),
    Break(
        "ids-stored-before-handing-back",
        "A worker that is stopped stores the server's ids before it hands a run back.",
        LAUNCHER,
        "                return\n            self.run.status = await",
        "                return\n            self.is_busy = False\n            self.run.status = await",
        (UPKEEP + "test_a_worker_stopped_while_it_stores_the_servers_ids_still_stores_them",),
    ),
    Break(
        "lines-that-end-runs-are-kept",
        "A stopped worker keeps the connection of a run that would end with it.",
        LAUNCHER,
        'return self.run.on_disconnect == "cancel" and self._connection.is_first',
        "return False",
        (STOPPING + "test_a_run_that_ends_with_its_connection_is_waited_for_and_the_others_are_not",),
    ),
    Break(
        "leases-renewed-in-the-grace",
        "The leases of runs that a stopping worker waits for stay in force.",
        WORKER,
        "await self._keep_connections(kept)",
        "await _end(background)\n            await self._keep_connections(kept)",
        (STOPPING + "test_the_lease_of_a_run_that_is_waited_for_stays_in_force",),
    ),
    Break(
        "unheard-claims-are-taken-again",
        "A run that was taken by a call whose answer was lost does not wait for its lease to run out.",
        WORKER,
        "            self._has_doubts = True\n",
        "",
        (UPKEEP + "test_runs_that_were_taken_by_a_call_whose_answer_was_lost_are_soon_taken_again",),
    ),
    Break(
        "fence-while-the-run-goes-on",
        "A worker that wakes writes nothing of a run that another holds now.",
        LEASES_PY,
        IN_FORCE,
        "pk=lease.run_id, status__in=HELD)",
        (
            "tests/integration/test_worker_processes.py"
            "::test_a_worker_that_wakes_writes_nothing_of_a_run_that_goes_on_elsewhere",
        ),
    ),
)

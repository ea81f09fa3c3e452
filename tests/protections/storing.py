"""What is stored, and how: outcomes while Postgres is away, statuses, events, bytes."""

from __future__ import annotations

from tests.protections.broken import Break

CHANGES = "dashboard/runs/transitions.py"
DATABASE = "dashboard/worker/database.py"
OUTCOMES = "dashboard/runs/outcomes.py"
SPOOL = "dashboard/worker/outcomes/spool.py"
STORING = "dashboard/worker/outcomes/store.py"

OUTAGE = "tests/integration/test_outage.py::"
STATUSES = "tests/integration/test_statuses.py::"
STORED = "tests/integration/test_storing.py::"
UPKEEP = "tests/integration/test_worker_upkeep.py::"
WORKS = "tests/integration/test_worker.py::"
CALLS = "tests/integration/test_worker_database.py::"

STORES = (
    Break(
        "outcomes-wait-on-disk",
        "An outcome that comes while Postgres is away outlives its worker.",
        STORING,
        "spooled = await asyncio.to_thread(self._spool.put, lease, remote_run_id, outcome)",
        'raise OSError("not on disk")',
        (STORED + "test_an_outcome_that_waited_on_disk_outlives_its_worker",),
    ),
    Break(
        "away-is-remembered",
        "While Postgres is known to be away outcomes go to disk at once, and do not queue in memory.",
        STORING,
        "if not self._database.is_away and await",
        "if await",
        (STORED + "test_while_postgres_is_known_to_be_away_an_outcome_goes_to_disk_at_once",),
    ),
    Break(
        "disk-full-waits-in-memory",
        "An outcome that finds the disk full waits in memory.",
        STORING,
        "await self._database.call_with_retry(outcomes.run_finish, lease, outcome)\n",
        "pass\n",
        (OUTAGE + "test_when_the_disk_is_full_too_the_outcome_waits_in_memory",),
    ),
    Break(
        "spool-is-locked",
        "An outcome on disk that one worker stores is left alone by the others.",
        SPOOL,
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        (OUTAGE + "test_a_file_in_work_is_left_alone",),
    ),
    Break(
        "half-a-file-is-dropped",
        "An outcome whose worker died while writing it is not stored.",
        SPOOL,
        'if len(body) != found["size"]:',
        "if not found:",
        (OUTAGE + "test_a_file_that_is_cut_short_is_dropped_and_the_run_stays_to_be_adopted",),
    ),
    Break(
        "late-outcome-counts",
        "An outcome that waited for Postgres is stored although another worker has taken over.",
        STORING,
        "if not outcomes.run_finish_late(lease.run_id, remote_run_id, outcome):",
        "if lease:",
        (OUTAGE + "test_a_late_outcome_is_stored_although_another_worker_has_taken_over",),
    ),
    Break(
        "late-outcome-of-the-same-run",
        "An outcome that waited is stored only for the server's run that it is of.",
        OUTCOMES,
        "filter(pk=run_id, remote_run_id=remote_run_id, status__in=HELD)",
        "filter(pk=run_id, status__in=HELD)",
        (STORED + "test_a_late_outcome_of_another_of_the_servers_runs_is_not_stored",),
    ),
    Break(
        "late-outcome-of-an-ended-run",
        "An outcome that waited changes nothing about a run that has ended.",
        OUTCOMES,
        "filter(pk=run_id, remote_run_id=remote_run_id, status__in=HELD)",
        "filter(pk=run_id, remote_run_id=remote_run_id)",
        (OUTAGE + "test_a_late_outcome_of_an_ended_run_changes_nothing",),
    ),
    Break(
        "writes-are-insisted-on",
        "What must be written is tried until Postgres takes it.",
        DATABASE,
        "except DATABASE_AWAY as error:",
        "except ZeroDivisionError as error:",
        (CALLS + "test_what_passes_is_tried_again",),
    ),
    Break(
        "hopeless-is-not-insisted-on",
        "What Postgres will never take is not tried without end.",
        DATABASE,
        'if state.startswith("54"):',
        "if not state:",
        (CALLS + "test_what_no_later_try_can_change_is_not_tried_again",),
    ),
    Break(
        "standby-is-waited-for",
        "A standby that is not promoted yet is waited for.",
        DATABASE,
        'if state.startswith("25"):',
        "if not state:",
        (CALLS + "test_what_passes_is_tried_again",),
    ),
    Break(
        "end-stored-without-its-state",
        "How a run ended is stored although Postgres refuses its final state.",
        STORING,
        "await self._database.call_with_retry(outcomes.run_finish, lease, _bare(outcome, error))",
        "raise",
        (UPKEEP + "test_an_end_whose_final_state_cannot_be_stored_is_stored_all_the_same",),
    ),
    Break(
        "database-guards-statuses",
        "No writer can make a change of status that the table forbids.",
        "dashboard/runs/migrations/0002_transitions.py",
        "    IF NOT (CASE OLD.status",
        "    IF false AND NOT (CASE OLD.status",
        (STATUSES + "test_the_database_agrees_with_the_table_over_the_whole_square",),
    ),
    Break(
        "code-guards-statuses",
        "A change of status that the table forbids is an error before anything is written.",
        CHANGES,
        "    check_transition(was, to)\n",
        "",
        (STATUSES + "test_a_move_that_the_table_forbids_is_an_error_and_writes_nothing",),
    ),
    Break(
        "second-mover-loses",
        "Of two that move a run at once the second changes nothing.",
        CHANGES,
        "unchanged = Run.objects.filter(pk=run.pk, status=run.status)",
        "unchanged = Run.objects.filter(pk=run.pk)",
        (STATUSES + "test_second_mover_loses",),
    ),
    Break(
        "event-with-its-change",
        "Events are numbered without a hole.",
        CHANGES,
        'F("last_event_seq") + len(events)',
        'F("last_event_seq") + len(events) + 1',
        (WORKS + "test_no_event_sequence_has_a_hole",),
    ),
    Break(
        "bytes-as-received",
        "A final state is stored byte for byte as it came.",
        OUTCOMES,
        "return pack(outcome.body) if",
        "return pack(json.dumps(json.loads(outcome.body)).encode()) if",
        (WORKS + "test_a_run_goes_from_queued_to_its_final_state_byte_for_byte",),
    ),
    Break(
        "text-is-made-storable",
        "An error with NUL or a lone surrogate in it is stored.",
        "dashboard/runs/text.py",
        'return text.replace("\\x00", "\\ufffd").encode("utf-8", "replace").decode("utf-8")',
        "return text",
        ("tests/integration/test_hostile_answers.py::test_errors_questions_and_nodes_of_any_text_are_reported",),
    ),
    Break(
        "large-states-in-pieces",
        "A large final state is stored in little more than its own memory.",
        "dashboard/runs/state/storage.py",
        "return self.packed_bytes <= SMALL_BYTES",
        "return True",
        (
            "tests/integration/test_state_storage.py::test_packing_and_storing_need_little_more_memory_than_what_is_stored",
        ),
    ),
    Break(
        "large-states-one-by-one",
        "Large final states leave the worker's few database connections to its leases.",
        STORING,
        "return self._one_by_one if size > LARGE_BYTES else nullcontext()",
        "return nullcontext()",
        (STORED + "test_large_states_leave_the_database_threads_to_others",),
    ),
    Break(
        "dead-connections-replaced",
        "A connection that died is not used again.",
        DATABASE,
        "        connections.close_all()\n        state =",
        "        state =",
        (CALLS + "test_a_connection_that_dies_in_the_middle_of_a_call_is_replaced",),
    ),
    Break(
        "ended-connections-noticed",
        "A connection that Postgres ended while nobody used it fails no call.",
        DATABASE,
        "    _drop_if_ended()\n",
        "",
        (CALLS + "test_a_connection_that_postgres_ended_while_nobody_used_it_fails_no_call",),
    ),
    Break(
        "usual-end-of-a-running-run",
        "A run's timeline tells from which status it came to its end.",
        OUTCOMES,
        "filter(status=RunStatus.RUNNING, remote_run_id__isnull=False)",
        "filter(remote_run_id__isnull=False)",
        ("tests/integration/test_outcomes.py::test_a_run_that_someone_wants_to_cancel_ends_from_there",),
    ),
    Break(
        "usual-end-without-further-news",
        "The details of an end are not left out where it is stored in one statement.",
        OUTCOMES,
        "if outcome.error is not None or outcome.executions > 1 or",
        "if outcome.error is not None or",
        ("tests/integration/test_outcomes.py::test_a_second_execution_is_noted_before_the_end",),
    ),
    Break(
        "descriptors-of-any-number",
        "A worker with more than a thousand lines can use a new connection to Postgres.",
        DATABASE,
        "return bool(look.poll(0))",
        "return bool(select.select([descriptor], [], [], 0)[0])",
        (CALLS + "test_a_worker_with_more_than_a_thousand_connections_can_use_a_new_connection",),
    ),
    Break(
        "spooled-states-in-memory-once",
        "A large final state that waited on disk is in memory once when it is stored.",
        SPOOL,
        "            body = document.read()\n",
        "            body = document.read()\n            body, _copy = bytes(bytearray(body)), body\n",
        (STORED + "test_a_large_outcome_that_waited_on_disk_is_in_memory_once_and_packed",),
    ),
    Break(
        "spool-emptied-by-the-worker",
        "What one worker left on disk is stored by the next.",
        "dashboard/worker/worker.py",
        "await self._store.store_left_behind()",
        "await asyncio.sleep(0)",
        (OUTAGE + "test_a_worker_stores_by_itself_what_another_left_on_disk",),
    ),
    Break(
        "outages-keep-no-states",
        "A call that finds Postgres away does not keep the final state it had in hand.",
        DATABASE,
        "            _let_go(error)\n",
        "",
        (STORED + "test_a_call_that_finds_postgres_away_lets_go_of_what_it_had_in_hand",),
    ),
)

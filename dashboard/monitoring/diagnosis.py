"""What is wrong with this installation and what to do about it, in sentences. Makes no queries."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.monitoring.selectors import STUCK_AFTER, WorkState
from dashboard.runs.leases import LEASE

SLOW_AFTER_S = 10.0
START_ONE = "Start one with `manage.py run_worker`."
START_ONE_HERE = (
    "`make run` starts one again within 15 s; its log is `logs/worker.log` in the state folder. "
    "Start one by hand with `DEBUG=true .venv/bin/python manage.py run_worker`."
)


@dataclass(frozen=True)
class Finding:
    """One thing an operator should know. Only a `sick` one makes the installation unhealthy."""

    sick: bool
    title: str
    text: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.title} {self.text}".strip()


def how_to_start(*, is_local: bool) -> str:
    """How to start a worker; `is_local`: DEBUG is on, so the secrets of the state folder are in use."""
    return START_ONE_HERE if is_local else START_ONE


def diagnose(state: WorkState, *, hears_changes: bool, is_local: bool = False) -> list[Finding]:
    """What is wrong or unusual, the worst first; empty when all is well."""
    found = [
        _workers(state, how_to_start(is_local=is_local)),
        _stuck(state),
        _deaf(hears_changes),
        _unheard(state),
        _orphans(state),
        _full(state),
        _slow(state),
        _unanswered(state),
        _disconnected(state),
        _retrying(state),
    ]
    return [finding for finding in found if finding is not None]


def _workers(state: WorkState, start_one: str) -> Finding | None:
    if state.living:
        return None
    silent = [worker for worker in state.workers if worker.state == "silent"]
    if any(worker.state == "stopping" for worker in state.workers):
        title = "No worker takes runs: the last one is stopping."
    elif silent:
        last = max(worker.heartbeat_at for worker in silent)
        since = in_words((state.at - last).total_seconds())
        title = f"No worker is running: the last one has been silent for {since}."
    else:
        title = "No worker is running."
    meanwhile = "Until one starts, nothing is sent, awaited or cancelled."
    if any(worker.state == "stopping" for worker in state.workers):
        meanwhile = "It still finishes the runs it holds."
    return Finding(True, title, f"{_waiting(state)}{meanwhile} {start_one}")


def _waiting(state: WorkState) -> str:
    if not state.waiting or state.waiting_s is None:
        return ""
    wait = in_words(state.waiting_s)
    if state.waiting == 1:
        return f"1 run has waited for {wait}. "
    return f"{state.waiting:,} runs wait, the oldest for {wait}. "


def _stuck(state: WorkState) -> Finding | None:
    if not state.is_stuck:
        return None
    limit = in_words(STUCK_AFTER.total_seconds())
    text = (
        f"{_waiting(state)}Check the workers' logs, and Postgres for a transaction that keeps the runs "
        "locked (`pg_stat_activity`). Restarting the workers is safe: nothing is lost and nothing runs twice."
    )
    return Finding(
        True, f"The queue is stuck: runs have been due for more than {limit} although a worker has room.", text
    )


def _deaf(hears_changes: bool) -> Finding | None:
    if hears_changes:
        return None
    return Finding(
        True,
        "This web process does not hear changes: pages poll instead.",
        "Its LISTEN connection to Postgres is down; it reconnects every few seconds, and its log says why. "
        "LISTEN does not work through a pooler that shares connections.",
    )


def _unheard(state: WorkState) -> Finding | None:
    if not state.is_unheard:
        return None
    text = "Workers report every few seconds; within ten seconds this page knows which are still there."
    return Finding(False, "The database was away a moment ago; workers have not reported since.", text)


def _orphans(state: WorkState) -> Finding | None:
    if not state.orphaned or state.is_unheard:
        return None
    one = state.orphaned == 1
    title = f"{'1 run waits' if one else f'{state.orphaned:,} runs wait'} for a worker to take "
    title += "it over." if one else "them over."
    if not state.living:
        then = "A worker takes them over as soon as one runs"
    elif state.is_full:
        then = "Every worker is full; the first that has room takes over"
    else:
        then = f"Another worker takes over within {in_words(LEASE.total_seconds())}"
    return Finding(False, title, f"{then}. The servers go on meanwhile.")


def _full(state: WorkState) -> Finding | None:
    if not state.is_full:
        return None
    held = sum(worker.held for worker in state.living)
    title = (
        f"Every worker is full: {held:,} {'run is' if held == 1 else 'runs are'} held, and there is room for no more."
    )
    more = "Start another worker, or raise RUNBOARD_WORKER_CONCURRENCY." if state.waiting else "Nothing is waiting."
    return Finding(False, title, f"{_waiting(state)}{more}")


def _slow(state: WorkState) -> Finding | None:
    is_reported = state.is_unheard or state.is_full or state.is_stuck
    if not state.living or is_reported or (state.waiting_s or 0.0) < SLOW_AFTER_S:
        return None
    text = f"{_waiting(state)}Workers are busy with a long queue, or are stopping. If it lasts, the queue is stuck."
    return Finding(False, "Runs wait although a worker has room.", text)


def _unanswered(state: WorkState) -> Finding | None:
    # A server's last answer is out of date when nobody has asked it since.
    if not state.unanswered or not state.living:
        return None
    named = f": {', '.join(state.unanswered_names)}" if state.unanswered_names else ""
    count = "1 server does" if state.unanswered == 1 else f"{state.unanswered:,} servers do"
    text = "They are" if state.unanswered > 1 else "It is"
    text += " retried every few seconds; runs launched meanwhile wait."
    return Finding(False, f"{count} not answer{named}.", text)


def _disconnected(state: WorkState) -> Finding | None:
    if not state.disconnected or not state.living:
        return None
    one = state.disconnected == 1
    title = f"{'1 run has' if one else f'{state.disconnected:,} runs have'} lost the connection to "
    title += "its server." if one else "their servers."
    return Finding(False, title, "A worker reconnects as soon as it can; the servers may go on meanwhile.")


def _retrying(state: WorkState) -> Finding | None:
    if not state.retrying:
        return None
    one = state.retrying == 1
    title = f"{'1 run is' if one else f'{state.retrying:,} runs are'} being retried: "
    title += "its server could not take it." if one else "their servers could not take them."
    since = ""
    if state.retrying_since:
        since = f"For {in_words((state.at - state.retrying_since).total_seconds())} so far. "
    next_try = "An attempt is under way."
    if state.next_try_at:
        next_try = f"The next attempt is in {in_words((state.next_try_at - state.at).total_seconds())}."
    return Finding(False, title, f"{since}{next_try} Check {'its server' if one else 'their servers'}.")


def in_words(seconds: float) -> str:
    """A length of time for a sentence: "8 s", "4 min", "2 h 05 min", "3 d 04 h"."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24:02d} h"

"""The steps of a run as pieces of HTML."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from dashboard.runs.models import Run, WaitState
from dashboard.runs.state.markdown import markdown
from dashboard.runs.state.view import value_tree
from dashboard.runs.statuses import RunStatus
from dashboard.runs.usual import usual_of
from dashboard.steps import selectors
from dashboard.steps.checkpoints import fork_url
from dashboard.steps.graph import drawn_graph
from dashboard.steps.layout import axis_of
from dashboard.steps.models import Step, StepStatus
from dashboard.steps.progress import progress_of

ROWS = 200
"""The most steps on a page at once."""
ENDED = 10**9


def steps_context(run: Run, *, start: int | None = None) -> dict[str, Any]:
    """The context of the list of steps; `start` is the index of the first one shown, None: the usual one."""
    log = selectors.step_log(run)
    steps = selectors.steps_of(run)
    if run.status == RunStatus.SUCCEEDED:
        # Until its history has been read, its last steps are as they were seen last: going on.
        for step in steps:
            if step.status == StepStatus.RUNNING:
                step.status, step.finished_at = StepStatus.DONE, step.finished_at or run.finished_at
    if start is None:
        start = 0 if run.is_terminal else max(0, len(steps) - ROWS)
    shown = steps[start : start + ROWS]
    axis = axis_of(run, log, steps, now=timezone.now())
    is_to_be_read = selectors.is_to_be_read(run, log)
    return {
        "run": run,
        "rows": [axis.row(step) for step in shown] if axis else [],
        "axis": axis,
        "count": len(steps),
        "first": start + 1,
        "last": start + len(shown),
        "earlier": max(0, start - ROWS) if start > 0 else None,
        "later": start + ROWS if start + ROWS < len(steps) else None,
        "graph": drawn_graph(run, steps),
        # After a condition nobody knows which step goes on until it ends.
        "is_next_unknown": run.status == RunStatus.RUNNING and all(step.status != StepStatus.RUNNING for step in steps),
        "is_to_be_read": is_to_be_read,
        "answered_after_s": _answered_after_s(run),
        "why": selectors.why_not_all(run, log),
        # Newer also when nothing changes but that nobody reads them any more.
        "version": 2 * (run.version + (log.version if log else 0)) + (not is_to_be_read),
    }


def _answered_after_s(run: Run) -> float | None:
    """How long the run waited for a person; None unless it was answered."""
    answer: Run | None = getattr(run, "answer", None) if run.wait_state == WaitState.ANSWERED else None
    if answer is None or run.finished_at is None:
        return None
    return (answer.created_at - run.finished_at).total_seconds()


def steps_html(run: Run) -> str:
    """The list of steps, with its id."""
    return render_to_string("steps/_steps.html", steps_context(run))


def live_context(run: Run) -> dict[str, Any]:
    """The context of the text that is being written."""
    text = selectors.live_text(run)
    entries = [entry for entry in text.entries if isinstance(entry, dict)] if text else []
    return {
        "run": run,
        "entries": [{**entry, "html": markdown(str(entry.get("text", "")))} for entry in entries],
        # The last one of a run that has ended: newer than any other, also after its text was deleted.
        "version": run.version + (ENDED if run.is_terminal else text.version if text else 0),
    }


def live_html(run: Run) -> str:
    """The text that models are writing now, with its id."""
    return render_to_string("steps/_live.html", live_context(run))


def step_context(run: Run, step: Step, *, may_act: bool = False) -> dict[str, Any]:
    """The context of one open step; `may_act` offers to fork from it, once the run has ended."""
    writes = step.writes
    may_fork = may_act and run.is_terminal
    return {
        "run": run,
        "step": step,
        "fork_url": fork_url(run, selectors.fork_point(run, step)) if may_fork else "",
        "tree": value_tree(writes) if step.writes_json else None,
        # Then its changes come first, and what it wrote is folded.
        "has_changes": bool(not step.path and step.checkpoint_id and step.next_checkpoint_id),
        "wrote_nothing": step.writes_json in ("", "null", "{}") and step.writes_bytes <= 4,
    }


def fork_context(run: Run) -> dict[str, Any]:
    """The address of a fork that runs the failed step again."""
    step = selectors.step_failed(run) if run.is_terminal else None
    url = fork_url(run, selectors.fork_point(run, step)) if step is not None else ""
    node = (step.path or [step.node])[0] if step else ""
    return {"run": run, "fork": {"url": url, "node": node}, "version": _version(run)}


def fork_item_context(run: Run) -> dict[str, Any]:
    """Whether the run can be forked from one of its steps."""
    can_fork = run.is_terminal and bool(fork_url(run, selectors.any_checkpoint(run)))
    return {"run": run, "can_fork": can_fork, "version": _version(run)}


def progress_context(run: Run) -> dict[str, Any]:
    """The context of the progress line."""
    steps = selectors.steps_of(run) if run.status == RunStatus.RUNNING else []
    return {"run": run, "progress": progress_of(run, steps), "version": _version(run)}


def usual_context(run: Run) -> dict[str, Any]:
    """The sentence about how long such runs take."""
    return {"run": run, "usual": usual_of(run), "version": _version(run)}


def steps_changed_html(run: Run) -> str:
    """The parts of a page that show a run's steps, to swap in after a change."""
    steps = render_to_string("steps/_update.html", steps_context(run))
    return steps + render_to_string("steps/_progress.html", progress_context(run))


def _version(run: Run) -> int:
    log = selectors.step_log(run)
    return run.version + (log.version if log else 0)

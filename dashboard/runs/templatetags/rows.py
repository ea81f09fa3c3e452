"""A run as a row of the runs page. Not a template: fifty of them would take most of a page's time.

What is not ours is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from urllib.parse import quote

from django import template
from django.utils.safestring import SafeString

from dashboard.addresses import Addresses, addresses, page_address
from dashboard.runs import timeline
from dashboard.runs.models import Run
from dashboard.runs.rows import AnswerRow, ListedRun
from dashboard.runs.state.seen import seen
from dashboard.runs.statuses import LOOKS, RunStatus
from dashboard.runs.templatetags.runs import NOTHING, Clock, ago, cursor, elapsed, icon
from dashboard.runs.waiting import answer_came_to_nothing

register = template.Library()

_escaped = cache(escape)
"""For sentences of ours, of which there are few."""

TAGS = 3
"""The most tags in a row."""


@register.simple_tag
def run_status(run: ListedRun) -> SafeString:
    """A run's status as icon and word; for one that waited for somebody, what became of that."""
    status = RunStatus(run.status)
    asked = f' data-question-state="{run.wait_state}"' if run.wait_state else ""
    return SafeString(
        f'<span id="run-{run.pk}-status" class="status" data-run-status="{run.status}" data-tone="{run.tone}"'
        f' data-version="{run.version}"{asked} title="{_escaped(timeline.run_meaning(run))}">{icon(LOOKS[status].icon)}'
        f'<span class="status-word">{timeline.wait_word(run) or status.label}</span></span>'
    )


@register.simple_tag
def run_rows(runs: Iterable[ListedRun]) -> SafeString:
    """Runs in two lines each: what it was about, and how it ended."""
    clock, address = Clock(), addresses("run-detail")
    return SafeString("".join(_row(run, clock, address) for run in runs))


def _row(run: ListedRun, clock: Clock, address: Addresses) -> str:
    pk, created, title = str(run.pk), run.created_at, escape(run.title)
    active = "" if run.is_terminal else " data-active"
    return (
        f'<tr id="run-{pk}-row" class="run-row" data-version="{run.version}" data-cursor="{cursor(run)}"'
        f' data-created="{int(created.timestamp())}.{created.microsecond:06}"{active}>\n'
        f'<td class="cell-pick"><label class="pick"><input type="checkbox" name="ids" value="{pk}" form="bulk"'
        f' aria-label="Select {title}" autocomplete="off"></label></td>\n'
        f'<td class="cell-status">{run_status(run)}</td>\n'
        '<td class="cell-name"><div class="row-title">'
        f'<a class="run-link" href="{address(pk)}" dir="auto">{title}</a>'
        f"{_star(run)}{_about(run)}</div>\n"
        f'<div class="row-more">{_outcome(run)} {_answered(run, address)} {_tags(run)}</div></td>\n'
        f"{_own_cells(run) or _usual_cells(run, clock)}</tr>\n"
    )


def _own_cells(run: ListedRun) -> str:
    """The columns the reader has chosen; "" for the usual ones."""
    cells = getattr(run, "own_cells", ())
    return "".join(
        f'<td class="{column.css}" data-label="{escape(column.label)}">{cell}</td>\n' for column, cell in cells
    )


def _usual_cells(run: ListedRun, clock: Clock) -> str:
    label = run.assistant_label
    assistant = escape(label)
    graph = f", graph {escape(run.graph_id)}" if run.graph_id and run.graph_id != label else ""
    return (
        f'<td class="cell-assistant"><bdi title="{assistant}{graph}">{assistant}</bdi></td>\n'
        f'<td class="cell-person"><bdi>{escape(run.sender) or NOTHING}</bdi></td>\n'
        f'<td class="cell-when">{ago(run.created_at, clock)}</td>\n'
        f'<td class="cell-duration">{elapsed(run, clock=clock)}</td>\n'
    )


def _star(run: ListedRun) -> str:
    return f'<span class="row-star" role="img" aria-label="Starred">{icon("star")}</span>' if run.is_starred else ""


def _about(run: ListedRun) -> str:
    """What a named run was about."""
    is_shown = run.name and run.summary and run.name != run.summary
    return f'<span class="row-about" dir="auto">{escape(run.summary)}</span>' if is_shown else ""


def _outcome(run: ListedRun) -> str:
    if run.outcome_text:
        return f'<span class="row-outcome" dir="auto">{escape(seen(run.outcome_text))}</span>'
    return "" if run.is_terminal else f'<span class="row-outcome">{escape(timeline.run_meaning(run))}</span>'


def _answered(run: ListedRun, address: Addresses) -> str:
    answer: Run | AnswerRow | None = getattr(run, "answer", None)
    if answer is None:
        return ""
    verb = "Continued" if run.status == RunStatus.PAUSED else "Answered"
    who = f" by <bdi>{escape(answer.sender)}</bdi>" if answer.sender else ""
    failed = ", which did not finish" if answer_came_to_nothing(run) else ""
    return f'<a class="row-answered" href="{address(answer.pk)}">{verb}{who}{failed}</a>'


def _tags(run: ListedRun) -> str:
    url = page_address("run-list") if run.tags else ""
    return " ".join(
        f'<a class="tag" dir="auto" href="{url}?tag={quote(tag, safe="")}">{escape(tag)}</a>' for tag in run.tags[:TAGS]
    )

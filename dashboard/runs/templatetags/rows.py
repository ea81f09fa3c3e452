"""A run as a row of the runs page. Not a template: fifty of them would take most of a page's time."""

from __future__ import annotations

from functools import cache
from html import escape
from urllib.parse import quote
from uuid import UUID

from django import template
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs import timeline
from dashboard.runs.models import Run
from dashboard.runs.state.seen import seen
from dashboard.runs.statuses import LOOKS, RunStatus
from dashboard.runs.templatetags.runs import NOTHING, ago, cursor, elapsed, icon
from dashboard.runs.waiting import answer_came_to_nothing

register = template.Library()

TAGS = 3
"""The most tags in a row."""


@register.simple_tag
def run_status(run: Run) -> SafeString:
    """A run's status as icon and word; for one that waited for somebody, what became of that."""
    status = RunStatus(run.status)
    asked = f' data-question-state="{run.wait_state}"' if run.wait_state else ""
    return mark_safe(  # noqa: S308 - what is not ours is escaped
        f'<span id="run-{run.pk}-status" class="status" data-run-status="{run.status}" data-tone="{run.tone}"'
        f' data-version="{run.version}"{asked} title="{escape(timeline.run_meaning(run))}">{icon(LOOKS[status].icon)}'
        f'<span class="status-word">{timeline.wait_word(run) or status.label}</span></span>'
    )


@register.simple_tag
def run_row(run: Run) -> SafeString:
    """One run in two lines: what it was about, and how it ended."""
    created, title = run.created_at, escape(run.title)
    active = "" if run.is_terminal else " data-active"
    return mark_safe(  # noqa: S308 - what is not ours is escaped
        f'<tr id="run-{run.pk}-row" class="run-row" data-version="{run.version}" data-cursor="{cursor(run)}"'
        f' data-created="{int(created.timestamp())}.{created.microsecond:06}"{active}>\n'
        f'<td class="cell-pick"><label class="pick"><input type="checkbox" name="ids" value="{run.pk}" form="bulk"'
        f' aria-label="Select {title}" autocomplete="off"></label></td>\n'
        f'<td class="cell-status">{run_status(run)}</td>\n'
        '<td class="cell-name"><div class="row-title">'
        f'<a class="run-link" href="{_address(run)}" dir="auto">{title}</a>'
        f"{_star(run)}{_about(run)}</div>\n"
        f'<div class="row-more">{_outcome(run)} {_answered(run)} {_tags(run)}</div></td>\n'
        f"{_own_cells(run) or _usual_cells(run)}</tr>\n"
    )


def _own_cells(run: Run) -> str:
    """The columns the reader has chosen; "" for the usual ones."""
    cells = getattr(run, "own_cells", ())
    return "".join(
        f'<td class="{column.css}" data-label="{escape(column.label)}">{cell}</td>\n' for column, cell in cells
    )


def _usual_cells(run: Run) -> str:
    assistant = escape(run.assistant_label)
    graph = f", graph {escape(run.graph_id)}" if run.graph_id and run.graph_id != run.assistant_label else ""
    return (
        f'<td class="cell-assistant"><bdi title="{assistant}{graph}">{assistant}</bdi></td>\n'
        f'<td class="cell-person"><bdi>{escape(run.sender) or NOTHING}</bdi></td>\n'
        f'<td class="cell-when">{ago(run.created_at)}</td>\n<td class="cell-duration">{elapsed(run)}</td>\n'
    )


def _address(run: Run) -> str:
    before, after = _around_an_id(get_script_prefix())
    return f"{before}{run.pk}{after}"


@cache
def _list_address(prefix: str) -> str:
    return reverse("run-list")


@cache
def _around_an_id(prefix: str) -> tuple[str, str]:
    """The parts of a run's address before and after its id, looked up once for each script prefix."""
    before, _, after = reverse("run-detail", args=[UUID(int=0)]).partition(str(UUID(int=0)))
    return before, after


def _star(run: Run) -> str:
    return f'<span class="row-star" role="img" aria-label="Starred">{icon("star")}</span>' if run.is_starred else ""


def _about(run: Run) -> str:
    """What a named run was about."""
    is_told = run.name and run.summary and run.name != run.summary
    return f'<span class="row-about" dir="auto">{escape(run.summary)}</span>' if is_told else ""


def _outcome(run: Run) -> str:
    if run.outcome_text:
        return f'<span class="row-outcome" dir="auto">{escape(seen(run.outcome_text))}</span>'
    return "" if run.is_terminal else f'<span class="row-outcome">{escape(timeline.run_meaning(run))}</span>'


def _answered(run: Run) -> str:
    answer: Run | None = getattr(run, "answer", None)
    if answer is None:
        return ""
    verb = "Continued" if run.status == RunStatus.PAUSED else "Answered"
    who = f" by <bdi>{escape(answer.sender)}</bdi>" if answer.sender else ""
    failed = ", which did not finish" if answer_came_to_nothing(run) else ""
    return f'<a class="row-answered" href="{_address(answer)}">{verb}{who}{failed}</a>'


def _tags(run: Run) -> str:
    url = _list_address(get_script_prefix()) if run.tags else ""
    return " ".join(
        f'<a class="tag" dir="auto" href="{url}?tag={quote(tag, safe="")}">{escape(tag)}</a>' for tag in run.tags[:TAGS]
    )

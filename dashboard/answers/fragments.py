"""What a run waits for as HTML: on its page, pushed, and in the inbox."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard.answers.attention_forms import CHOICES
from dashboard.answers.forms import AnswerForm, answer_form
from dashboard.answers.links.forms import AnswerLinkForm
from dashboard.answers.links.selectors import link_list
from dashboard.answers.selectors import (
    InboxFilters,
    earlier_answers,
    inbox_page,
    may_be_assigned,
    snoozed_count,
    waiting_count,
)
from dashboard.answers.shapes import shape_of
from dashboard.answers.showing import shown
from dashboard.runs.attention import is_snoozed
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team


def answer_context(
    run: Run, *, may_act: bool, form: AnswerForm | None = None, is_inbox: bool = False
) -> dict[str, Any]:
    """What the panel needs; `form` as it was posted, else a blank one."""
    is_open = run.wait_state == WaitState.OPEN
    is_question = run.status == RunStatus.NEEDS_INPUT
    if is_open and is_question and form is None:
        form = answer_form(run, post_url=reverse("run-answer", args=[run.pk]))
    return {
        "run": run,
        "may_act": may_act,
        "is_open": is_open,
        "is_question": is_question,
        "form": form,
        "earlier": earlier_answers(run) if is_open and is_question else None,
        "wait_version": wait_version(run),
        "is_inbox": is_inbox,
        "links": link_list(run) if may_act and is_open else (),
        "link_form": AnswerLinkForm(),
        "may_make": True,
        "key": str(uuid.uuid4()),
    }


def answer_html(
    run: Run,
    *,
    may_act: bool,
    request: HttpRequest | None,
    form: AnswerForm | None = None,
    is_inbox: bool = False,
    **more: Any,
) -> SafeString:
    """The panel with its form."""
    context = answer_context(run, may_act=may_act, form=form, is_inbox=is_inbox) | more
    return SafeString(render_to_string("answers/_panel.html", context, request=request))


def answer_live_html(run: Run, *, may_act: bool, is_inbox: bool = False) -> SafeString:
    """The panel as it is pushed: without a form, which it fetches where there is none yet."""
    context = {
        "run": run,
        "may_act": may_act,
        "is_open": run.wait_state == WaitState.OPEN,
        "is_question": run.status == RunStatus.NEEDS_INPUT,
        "wait_version": wait_version(run),
        "is_inbox": is_inbox,
    }
    return SafeString(render_to_string("answers/_panel_live.html", context))


def attention_html(
    run: Run,
    *,
    may_act: bool,
    request: HttpRequest | None = None,
    problem: str = "",
    typed: dict[str, str] | None = None,
    is_inbox: bool = False,
) -> SafeString:
    """Who looks after an open question, and until when it is put aside, with the forms to change that."""
    is_open = run.wait_state == WaitState.OPEN and run.status == RunStatus.NEEDS_INPUT
    context = {
        "run": run,
        "is_open": is_open,
        "is_snoozed": is_snoozed(run),
        "may_act": may_act,
        "people": may_be_assigned(run.team_id) if is_open and may_act else (),
        "choices": list(CHOICES.items()),
        "problem": problem,
        "typed": typed or {},
        "me": getattr(getattr(request, "user", None), "pk", None),  # pushed to several: the script knows who looks
        "is_inbox": is_inbox,
    }
    return SafeString(render_to_string("answers/_attention.html", context, request=request))


def inbox_count_html(team: Team | UUID, count: int | None = None) -> SafeString:
    """How many questions wait, in the navigation; `count`, when it is known already."""
    count = waiting_count(team) if count is None else count
    return SafeString(render_to_string("answers/_count.html", {"count": count}))


def inbox_live_html(team: Team | UUID, filters: InboxFilters) -> str:
    """The list of the inbox and the count."""
    return render_to_string("answers/_inbox_list.html", inbox_context(team, filters)) + inbox_count_html(team)


def inbox_context(team: Team | UUID, filters: InboxFilters) -> dict[str, Any]:
    """What the inbox's list needs."""
    page = inbox_page(team, filters, is_for_list=True)
    items = [InboxItem(run, _line_of(run), filters.to_query(run=run.pk, after=filters.after)) for run in page.runs]
    after = filters.to_query(after=page.after) if page.after else ""
    return {
        "items": items,
        "filters": filters,
        "after": after,
        "selected": filters.run,
        "snoozed": 0 if filters.is_snoozed else snoozed_count(team),
    }


@dataclass(frozen=True)
class InboxItem:
    """One run of the inbox: its question in a line, and the address that shows it."""

    run: Run
    line: str
    query: str


def _line_of(run: Run) -> str:
    lines = [shown(question, shape_of(question)).line for question in run.questions.all()]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"{lines[0]}{more}" if lines else "A question"


def wait_version(run: Run) -> int:
    """Grows whenever a question opens or closes, and with nothing else: a typed answer outlives every other change."""
    if not run.wait_state:
        return 0
    reopened = run.events.filter(kind__in=[EventKind.UNFOLLOWED, EventKind.REOPENED]).count()
    return 2 * reopened + (1 if run.wait_state == WaitState.OPEN else 2)

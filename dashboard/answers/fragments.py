"""Questions and stops of a run as HTML: on its page, pushed, and in the inbox."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard.answers.attention_forms import CHOICES
from dashboard.answers.earlier import earlier_line
from dashboard.answers.forms import AnswerForm, answer_form
from dashboard.answers.inbox_rows import inbox_rows
from dashboard.answers.links.selectors import link_count
from dashboard.answers.selectors import (
    COUNTED,
    InboxFilters,
    Person,
    may_be_assigned,
    waiting_count,
    waiting_counts,
)
from dashboard.answers.templatetags.inbox import counted
from dashboard.runs.attention import is_snoozed
from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, WaitState
from dashboard.runs.statuses import RunStatus
from dashboard.teams.models import Team


def answer_context(
    run: Run, *, may_act: bool, form: AnswerForm | None = None, is_inbox: bool = False
) -> dict[str, Any]:
    """The panel's context; `form` as posted, else a blank one."""
    is_open = run.wait_state == WaitState.OPEN
    is_question = run.status == RunStatus.NEEDS_INPUT
    if is_open and is_question:
        prefetch_related_objects([run], "questions")  # once for the form and its surroundings
    if is_open and is_question and form is None:
        form = answer_form(run, post_url=reverse("run-answer", args=[run.pk]))
    return {
        "run": run,
        "may_act": may_act,
        "is_open": is_open,
        "is_question": is_question,
        "form": form,
        "earlier": earlier_line(run) if is_open and is_question else None,
        "wait_version": wait_version(run),
        "is_inbox": is_inbox,
        "link_count": link_count(run) if may_act and is_open else 0,
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
    """The panel with its form. In the inbox `inbox_query` says how that is narrowed, for the question that follows."""
    context = answer_context(run, may_act=may_act, form=form, is_inbox=is_inbox) | more
    return SafeString(render_to_string("answers/_panel.html", context, request=request))


def answer_live_html(run: Run, *, may_act: bool, is_inbox: bool = False) -> SafeString:
    """The panel for a push: without a form, which the page fetches if it has none yet."""
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
    people: Sequence[Person] | None = None,
    is_inbox: bool = False,
) -> SafeString:
    """Who is assigned to an open question and until when it is snoozed, with the forms to change that.

    `people`: who may be assigned, if the caller knows them.
    """
    is_open = run.wait_state == WaitState.OPEN and run.status == RunStatus.NEEDS_INPUT
    if people is None:
        people = may_be_assigned(run.team_id) if is_open and may_act else ()
    context = {
        "run": run,
        "is_open": is_open,
        "is_snoozed": is_snoozed(run),
        "may_act": may_act,
        "people": people,
        "choices": list(CHOICES.items()),
        "problem": problem,
        "typed": typed or {},
        "me": getattr(getattr(request, "user", None), "pk", None),  # pushed: the script knows who reads it
        "is_inbox": is_inbox,
    }
    return SafeString(render_to_string("answers/_attention.html", context, request=request))


def inbox_count_html(team: Team | UUID, count: int | None = None) -> SafeString:
    """How many questions wait, for the navigation, empty for none; `count`, if the caller knows it."""
    count = waiting_count(team, most=COUNTED) if count is None else count
    badge = f'<span class="count-badge">{counted(count)}</span><span class="visually-hidden">\n waiting</span>'
    return SafeString(f'\n<span id="inbox-count" data-inbox-count="{count}">{badge if count else ""}</span>\n')


def inbox_live_html(team: Team | UUID, filters: InboxFilters) -> str:
    """The list of the inbox and the count."""
    context = inbox_context(team, filters)
    return render_to_string("answers/_inbox_list.html", context) + inbox_count_html(team, context["inbox_waiting"])


def inbox_context(team: Team | UUID, filters: InboxFilters) -> dict[str, Any]:
    """The context of the inbox's list."""
    rows, after = inbox_rows(team, filters)
    query = filters.to_query(after=filters.after)
    waiting, snoozed = waiting_counts(team, most=COUNTED, snoozed_most=COUNTED)
    return {
        "rows": rows,
        "query": f"{query}&" if query else "",
        "filters": filters,
        "after": filters.to_query(after=after) if after else "",
        "selected": filters.run,
        "inbox_waiting": waiting,
        "snoozed": 0 if filters.is_snoozed else snoozed,
    }


def wait_version(run: Run) -> int:
    """Grows whenever a question opens or closes, and with nothing else: a typed answer outlives every other change."""
    if not run.wait_state:
        return 0
    with (
        connection.cursor() as cursor
    ):  # on every page of a run that waits: through the ORM it takes four times as long
        cursor.execute(_REOPENED, [run.pk, [EventKind.UNFOLLOWED.value, EventKind.REOPENED.value]])
        (reopened,) = cursor.fetchone()
    return 2 * int(reopened) + (1 if run.wait_state == WaitState.OPEN else 2)


_REOPENED = "SELECT count(*) FROM runs_runevent WHERE run_id = %s AND kind = ANY(%s)"

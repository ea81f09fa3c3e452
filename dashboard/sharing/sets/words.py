"""Links to several runs in words, for the people who make and list them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from dashboard.sharing.models import RunSet, SetKind
from dashboard.sharing.sets.services import SetOrder


@dataclass(frozen=True)
class Words:
    """The panel's words for a kind of link, and what its page shows besides the chosen parts."""

    title: str
    promise: str


WORDS: Final = {
    SetKind.COMPARISON: Words(
        "Share this comparison",
        "Readers see these runs side by side, with the parts chosen below, and can open each of them.",
    ),
    SetKind.THREAD: Words(
        "Share this thread",
        "Readers see what each run of the thread added to the conversation, also those still to come, and can open "
        "each of them.",
    ),
    SetKind.VIEW: Words(
        "Share this list",
        "Readers see a list: names, statuses, assistants and times; what a run was about where the input is shown, how "
        "it ended where the result is. They can open each run. The filters themselves are not shown.",
    ),
}


def came_from(of: SetOrder | RunSet) -> str:
    """The team's own page of the same."""
    if of.kind == SetKind.THREAD and of.server is not None:
        return reverse("thread", args=[of.server.pk, of.thread_id])
    if of.kind == SetKind.COMPARISON:
        return f"{reverse('run-compare')}?{urlencode(dict(zip('abcde', of.run_ids, strict=False)))}"
    return f"{reverse('run-list')}?{_filters(of.query)}"


def hidden_fields(of: SetOrder) -> list[tuple[str, str]]:
    """The fields of the form that say which runs."""
    if of.kind == SetKind.THREAD and of.server is not None:
        return [("server", str(of.server.pk)), ("thread", of.thread_id)]
    if of.kind == SetKind.COMPARISON:
        return [("runs", str(run_id)) for run_id in of.run_ids]
    return [("query", _filters(of.query))]


def _filters(query: str) -> str:
    kept = QueryDict(query, mutable=True)
    kept.pop("tz", None)
    return kept.urlencode()

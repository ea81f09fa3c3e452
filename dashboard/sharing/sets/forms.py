"""The form of a link to several runs: what it shows, and of which runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import Http404, QueryDict

from dashboard.compare.comparison import RUNS_MAX
from dashboard.history.filters import RunFilters
from dashboard.servers.selectors import server_get
from dashboard.sharing.forms import ShareForm
from dashboard.sharing.models import SetKind
from dashboard.sharing.sets.selectors import runs_of, thread_members
from dashboard.sharing.sets.services import FROZEN_ROWS, SetOrder
from dashboard.teams.models import Team

NAME_CHARS: Final = 100
QUERY_CHARS: Final = 2_000
MODES: Final = {
    "live": "Whatever matches, also later",
    "frozen": f"What matches now, as it is now (the first {FROZEN_ROWS} runs)",
}


class SetForm(ShareForm):
    """A new link to several runs."""

    name = forms.CharField(
        max_length=NAME_CHARS, required=False, label="Heading", help_text="Readers see it, whatever else is hidden."
    )
    mode = forms.ChoiceField(
        choices=list(MODES.items()),
        required=False,
        initial="live",
        widget=forms.RadioSelect,
        label="Which runs",
        error_messages={"invalid_choice": "Choose live or frozen."},
    )

    def runs(self, of: SetOrder) -> SetOrder:
        """The runs, with the typed heading. Only for a valid form."""
        name = " ".join(self.cleaned_data["name"].replace("\x00", "").split()) or of.name
        return replace(of, name=name, is_frozen=self.cleaned_data["mode"] == "frozen")


def chosen_runs(team: Team, data: QueryDict, *, zone: str) -> SetOrder:
    """The runs to share: `runs` (two to five ids), `server` and `thread`, or `query`, a view's filters.

    Raises:
        Http404: the team has no such runs, or nothing of that was given.
    """
    if ids := data.getlist("runs"):
        return _comparison(team, ids)
    if "thread" in data:
        return _thread(team, data.get("server", ""), data.get("thread", ""))
    if "query" not in data:
        raise Http404("Say which runs: runs, server and thread, or query.")
    query = RunFilters.from_text(data.get("query", "").lstrip("?")).to_query()
    if len(query) > QUERY_CHARS:
        raise Http404("These are too many filters to be shared.")
    zoned = f"{query}&{urlencode({'tz': zone})}" if query else urlencode({"tz": zone})
    return SetOrder(SetKind.VIEW, "Runs", query=zoned)


def set_initial(order: SetOrder) -> dict[str, Any]:
    """Initial values besides those of every link."""
    return {"name": order.name, "mode": "live"}


def _comparison(team: Team, texts: list[str]) -> SetOrder:
    ids = list(dict.fromkeys(filter(None, map(_uuid, texts))))
    found = [run.pk for run in runs_of(team.pk, ids[:RUNS_MAX])]
    if not 2 <= len(ids) <= RUNS_MAX or len(found) != len(ids):
        raise Http404(f"A comparison is of two to {RUNS_MAX} runs of your team.")
    return SetOrder(SetKind.COMPARISON, f"{len(found)} runs compared", run_ids=found)


def _thread(team: Team, server_text: str, thread_id: str) -> SetOrder:
    server_id = _uuid(server_text)
    server = server_get(team, server_id) if server_id is not None else None
    if server is None or "\x00" in thread_id or not thread_members(team.pk, server.pk, thread_id):
        raise Http404("Your team has no run on this thread.")
    return SetOrder(SetKind.THREAD, "Conversation", server=server, thread_id=thread_id)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

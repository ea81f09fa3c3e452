"""Every read about presets and earlier launches.

Our own SQL reads what the launch page shows next to its form: the ORM takes five times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from dashboard.launch.models import Preset, PresetScope
from dashboard.runs.models import Run, RunRequest
from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_ids
from dashboard.teams.models import Team, User

PRESETS_UNASKED = 10
RECENT_LOOK = 60
RECENT_SHOWN = 5


def preset_list(team: Team, user: User) -> QuerySet[Preset]:
    """The presets that somebody can launch with: the team's and their own."""
    seen = Q(scope=PresetScope.TEAM) | Q(created_by=user)
    presets = Preset.objects.filter(seen, team=team, server__removed_at=None)
    return presets.select_related("server", "created_by")


def preset_get(team: Team, user: User, preset_id: UUID | None) -> Preset | None:
    """One of them, or None."""
    return preset_list(team, user).filter(pk=preset_id).first() if preset_id else None


def presets_of(team: Team, user: User, assistant: Assistant) -> QuerySet[Preset]:
    """Those of one assistant."""
    mine = preset_list(team, user)
    return mine.filter(server=assistant.server_id, assistant_id__in=sorted(assistant_ids(assistant)))


def presets_offered(team: Team, user: User, assistant: Assistant | None) -> list[Preset]:
    """Those that the launch page offers: all of the assistant, or a few of any before one is chosen."""
    of_assistant = {
        "server": assistant.server_id if assistant else None,
        "names": sorted(assistant_ids(assistant)) if assistant else [],
        "most": None if assistant else PRESETS_UNASKED,
    }
    return list(Preset.objects.raw(_PRESETS_OFFERED, {"team": team.pk, "user": user.pk, **of_assistant}))


_PRESETS_OFFERED = """
SELECT preset.* FROM launch_preset preset JOIN servers_server server ON server.id = preset.server_id
WHERE preset.team_id = %(team)s AND server.removed_at IS NULL AND (scope = 'team' OR created_by_id = %(user)s)
AND (%(server)s::uuid IS NULL OR preset.server_id = %(server)s AND assistant_id = ANY(%(names)s))
ORDER BY preset.name, preset.created_at LIMIT %(most)s
"""
"""As `preset_list`."""


@dataclass(frozen=True)
class RecentInput:
    """An earlier launch of an assistant, and what it was about."""

    run: Run
    about: str


def recent_inputs(team: Team, assistant_ids: Iterable[str], server_id: Any = None) -> list[RecentInput]:
    """The last launches of an assistant whose inputs differ, newest first."""
    found: dict[str, RecentInput] = {}
    of_assistant = {"names": sorted(assistant_ids), "server": server_id, "most": RECENT_LOOK}
    shown = list(Run.objects.raw(_RECENT, {"team": team.pk, **of_assistant}))
    without_summary = [run.pk for run in shown if not run.summary]
    requests = RunRequest.objects.in_bulk(without_summary) if without_summary else {}
    for run in shown:
        about = run.summary or about_input(requests[run.pk].params.get("input") if run.pk in requests else None)
        if about and about not in found:
            found[about] = RecentInput(run, about)
        if len(found) == RECENT_SHOWN:
            break
    return list(found.values())


_RECENT = """
SELECT id, summary, status, created_at FROM runs_run
WHERE team_id = %(team)s AND assistant_id = ANY(%(names)s) AND parent_kind <> 'answer'
AND (%(server)s::uuid IS NULL OR server_id = %(server)s)
ORDER BY created_at DESC, id DESC LIMIT %(most)s
"""


def about_input(value: Any, length: int = 90) -> str:
    """The first words of an input that a person would recognise; "" without any."""
    words = next(iter(_texts(value)), "")
    words = " ".join(words.split())
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, dict):
        # The text of a message, not its role.
        members = [value["content"]] if value.get("content") else value.values()
        for member in members:
            yield from _texts(member)
    elif isinstance(value, list):
        for member in reversed(value):
            yield from _texts(member)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)

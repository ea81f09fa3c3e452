"""How assistants are used, and how their runs go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Now

from dashboard.runs.models import Run
from dashboard.runs.statuses import RunStatus
from dashboard.servers.models import Assistant, ServerCheck
from dashboard.servers.selectors import LARGE, assistant_ids, assistant_list, assistant_titles
from dashboard.teams.models import Team

RECENT = timedelta(days=30)
SAMPLE = 200
"""How many of the latest runs show what is usual."""


@dataclass(frozen=True)
class AssistantRow:
    """An assistant as the list shows it."""

    assistant: Assistant
    title: str
    last_used_at: datetime | None


@dataclass(frozen=True)
class AssistantFigures:
    """How an assistant's runs of the last 30 days went, at most the latest 200.

    `usual_s` is the median of the successful ones, `slow_s` their 90th percentile; None without any.
    """

    count: int
    succeeded: int
    failed: int
    usual_s: float | None
    slow_s: float | None

    @property
    def success_rate(self) -> int | None:
        """Percent of the runs that finished by themselves; None when none did."""
        ended = self.succeeded + self.failed
        return round(100 * self.succeeded / ended) if ended else None


def assistant_rows(team: Team, text: str = "") -> list[AssistantRow]:
    """The team's assistants that contain the text, the latest used first, then by title."""
    found = assistant_list(team).defer(*LARGE)
    by_id = _latest(team, Cast(OuterRef("assistant_id"), CharField()))
    by_graph = _latest(team, OuterRef("graph_id"))
    everyone = list(found.annotate(used_by_id=Subquery(by_id), used_by_graph=Subquery(by_graph)))
    titles = assistant_titles(everyone)
    words = text.lower().split()
    rows = []
    for assistant in everyone:
        title = titles[assistant.pk]
        hay = f"{title} {assistant.graph_id} {assistant.about} {assistant.description} {assistant.server.name}".lower()
        if all(word in hay or str(assistant.assistant_id).startswith(word) for word in words):
            rows.append(AssistantRow(assistant, title, _used_at(assistant)))
    return sorted(rows, key=lambda row: (-(row.last_used_at.timestamp() if row.last_used_at else 0), row.title.lower()))


def _latest(team: Team, assistant_id: Any) -> QuerySet[Run, Any]:
    runs = Run.objects.filter(team=team, assistant_id=assistant_id, server=OuterRef("server_id"))
    return runs.order_by("-created_at", "-id").values("created_at")[:1]


def _used_at(assistant: Any) -> datetime | None:
    moments = [assistant.used_by_id, assistant.used_by_graph if assistant.is_default else None]
    return max((moment for moment in moments if moment), default=None)


def assistant_runs(assistant: Assistant) -> QuerySet[Run]:
    """The runs of an assistant, newest first."""
    runs = Run.objects.filter(
        team=assistant.server.team_id, server=assistant.server_id, assistant_id__in=sorted(assistant_ids(assistant))
    )
    return runs.select_related("launched_by", "server").order_by("-created_at", "-id")


def assistant_figures(assistant: Assistant) -> AssistantFigures:
    """How its recent runs went."""
    recent = assistant_runs(assistant).filter(created_at__gt=Now() - RECENT)
    sample = Run.objects.filter(pk__in=list(recent.values_list("pk", flat=True)[:SAMPLE]))
    bad = [RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST]
    counted = sample.aggregate(
        count=Count("pk"),
        succeeded=Count("pk", filter=Q(status=RunStatus.SUCCEEDED)),
        failed=Count("pk", filter=Q(status__in=bad)),
    )
    ended = sample.filter(status=RunStatus.SUCCEEDED, started_at__isnull=False)
    times = ended.values_list("started_at", "finished_at")
    took = sorted((end - start).total_seconds() for start, end in times if start and end)
    return AssistantFigures(
        **counted,
        usual_s=took[len(took) // 2] if took else None,
        slow_s=took[min(len(took) * 9 // 10, len(took) - 1)] if len(took) >= 10 else None,
    )


def refresh_is_open(team: Team) -> bool:
    """Whether a worker is about to ask one of the team's servers again."""
    return ServerCheck.objects.filter(
        server__team=team, server__removed_at=None, finished_at=None, requested_at__gt=Now() - timedelta(seconds=60)
    ).exists()

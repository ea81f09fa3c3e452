"""Every read about servers and their assistants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.query import RawQuerySet

from dashboard.servers.models import Assistant, AssistantChange, Server, ServerCheck
from dashboard.teams.models import Team

SHORT_ID = 8
LARGE: Final = ("schemas_text", "settings_text", "graph_text")
"""What lists of assistants leave out."""


def server_list(team: Team) -> QuerySet[Server]:
    """The team's servers, oldest first."""
    return Server.objects.filter(team=team, removed_at=None).order_by("created_at", "name")


def server_overview(team: Team) -> QuerySet[Server]:
    """The same with `assistant_count` and `check_is_open`."""
    checks = ServerCheck.objects.filter(server=OuterRef("pk"), finished_at=None)
    return server_list(team).annotate(
        assistant_count=Count("assistants"), check_is_open=Subquery(checks.values("pk")[:1])
    )


def server_get(team: Team, server_id: UUID) -> Server | None:
    """The team's server, or None."""
    return Server.objects.filter(team=team, pk=server_id, removed_at=None).first()


def check_latest(server: Server) -> ServerCheck | None:
    """The last requested check."""
    return server.checks.select_related("requested_by").first()


def check_finished(server: Server) -> ServerCheck | None:
    """The last finished check."""
    return server.checks.exclude(finished_at=None).first()


def change_latest(assistant: Assistant) -> AssistantChange | None:
    """The last requested change of an assistant."""
    changes = AssistantChange.objects.filter(server=assistant.server_id, assistant_id=assistant.assistant_id)
    return changes.select_related("requested_by").first()


def assistant_list(team: Team) -> QuerySet[Assistant]:
    """The assistants of all the team's servers, by graph and name."""
    mine = Assistant.objects.filter(server__team=team, server__removed_at=None)
    return mine.select_related("server").order_by("graph_id", "name")


def assistants_on(servers: Iterable[Server]) -> list[Assistant]:
    """The assistants of these servers, by graph and name, without LARGE."""
    by_id = {server.pk: server for server in servers}
    found = list(Assistant.objects.filter(server__in=list(by_id)).defer(*LARGE).order_by("graph_id", "name"))
    for assistant in found:
        assistant.server = by_id[assistant.server_id]
    return found


def assistant_whole(assistant: Assistant) -> Assistant | None:
    """One of such a list with everything; None when its server no longer has it."""
    found = Assistant.objects.filter(pk=assistant.pk).first()
    if found is not None:
        found.server = assistant.server
    return found


def assistant_get(team: Team, server_id: UUID, assistant_id: UUID) -> Assistant | None:
    """The team's assistant, or None."""
    return assistant_list(team).filter(server_id=server_id, assistant_id=assistant_id).first()


def assistant_find(server: Server, assistant_id: str) -> Assistant | None:
    """The assistant a run's `assistant_id` (a UUID or a graph's name) means on this server, if it is known here."""
    return assistant_meant(_perhaps_meant(server.pk, assistant_id), assistant_id)


def assistant_graph_text(server_id: UUID, assistant_id: str) -> str:
    """The graph of that assistant, as last known; "" when it is not known."""
    meant = assistant_meant(_perhaps_meant(server_id, assistant_id, f"{_TELLING}, graph_text"), assistant_id)
    return meant.graph_text if meant else ""


def _perhaps_meant(server_id: UUID, assistant_id: str, columns: str = "*") -> RawQuerySet[Assistant]:
    """The few assistants of a server among which is the one that a run's `assistant_id` means.

    By SQL of our own: every page of a run asks this, and the ORM takes four times as long.
    """
    try:
        by_id = UUID(assistant_id)
    except ValueError:
        by_id = None
    named = [server_id, assistant_id.replace("\x00", ""), by_id]
    return Assistant.objects.raw(f"SELECT {columns} {_PERHAPS_MEANT}", named)


_PERHAPS_MEANT = """
FROM servers_assistant WHERE server_id = %s AND (graph_id = %s OR assistant_id = %s::uuid) ORDER BY seen_at, id
"""
_TELLING = "id, assistant_id, graph_id, name"
"""The columns that say which one it is."""


def assistant_meant(assistants: Iterable[Assistant], assistant_id: str) -> Assistant | None:
    """The one among a server's assistants that a UUID or a graph's name means.

    A graph's name means the assistant that the server itself made for it.
    """
    of_graph = None
    for assistant in assistants:
        if assistant_id == str(assistant.assistant_id):
            return assistant
        if assistant_id == assistant.graph_id and (of_graph is None or assistant.is_default):
            of_graph = assistant
    return of_graph


def assistant_ids(assistant: Assistant) -> set[str]:
    """Every `assistant_id` of runs that means this assistant: its id, and its graph's name if that means it."""
    ids = {str(assistant.assistant_id)}
    return ids | {assistant.graph_id} if assistant.is_default else ids


def assistant_ids_like(server_id: UUID, assistant_id: str) -> list[str]:
    """The same for the assistant that a run's `assistant_id` means on its server; if unknown, only that id."""
    meant = assistant_meant(_perhaps_meant(server_id, assistant_id, _TELLING), assistant_id)
    return sorted({assistant_id} | assistant_ids(meant)) if meant else [assistant_id]


def assistant_titles(assistants: Iterable[Assistant]) -> dict[int, str]:
    """A distinct title for each assistant, by primary key.

    Its name; with its graph where the name is another word; with its server, then the beginning of its id, where two
    would still be the same.
    """
    everyone = list(assistants)
    titles = {a.pk: a.name if a.is_default or not a.graph_id else f"{a.name} · {a.graph_id}" for a in everyone}
    for add in (lambda a: a.server.name, lambda a: str(a.assistant_id)[:SHORT_ID]):
        seen: dict[str, int] = {}
        for title in titles.values():
            seen[title] = seen.get(title, 0) + 1
        twins = [a for a in everyone if seen[titles[a.pk]] > 1]
        words = {a.pk: add(a) for a in twins}
        for a in twins:
            titles[a.pk] = f"{titles[a.pk]} · {words[a.pk]}"
    return titles

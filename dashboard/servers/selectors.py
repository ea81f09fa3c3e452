"""Every read about servers and their assistants."""

from __future__ import annotations

from django.db.models import QuerySet

from dashboard.servers.models import Assistant, Server
from dashboard.teams.models import Team


def server_list(team: Team) -> QuerySet[Server]:
    """The team's servers, the first one made first."""
    return Server.objects.filter(team=team).order_by("created_at", "name")


def assistant_list(team: Team) -> QuerySet[Assistant]:
    """The assistants of all the team's servers, by graph and name."""
    return Assistant.objects.filter(server__team=team).select_related("server").order_by("graph_id", "name")


def assistant_find(server: Server, assistant_id: str) -> Assistant | None:
    """The assistant a run's `assistant_id` (a UUID or a graph's name) means on this server, if it is known here."""
    for assistant in server.assistants.order_by("seen_at", "pk"):
        if assistant_id in {str(assistant.assistant_id), assistant.graph_id}:
            return assistant
    return None

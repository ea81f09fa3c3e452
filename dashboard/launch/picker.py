"""The assistants to choose from: last used first, each with a distinct title."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import connection

from dashboard.servers.models import Assistant
from dashboard.servers.selectors import assistant_ids, assistant_titles
from dashboard.teams.models import Team, User

# From the person's last 300 runs, in the order of an index.
_USED_LATELY = """
SELECT server_id, assistant_id, max(created_at) FROM (
    SELECT server_id, assistant_id, created_at FROM runs_run WHERE team_id = %s AND launched_by_id = %s
    ORDER BY created_at DESC LIMIT 300
) AS lately GROUP BY server_id, assistant_id
"""


@dataclass(frozen=True)
class Choice:
    """One assistant to choose; `value` is what is posted."""

    assistant: Assistant
    title: str
    value: str
    description: str
    used_at: datetime | None

    @property
    def query(self) -> str:
        """Of the launch page with its form."""
        return urlencode({"assistant_id": self.value, "server": self.assistant.server_id})

    def is_of(self, assistant: Assistant | None) -> bool:
        return assistant is not None and assistant.pk == self.assistant.pk


def assistant_choices(team: Team, user: User, assistants: list[Assistant]) -> list[Choice]:
    """Each of the team's assistants as a choice; those that the person launched lately come first."""
    titles = assistant_titles(assistants)
    with connection.cursor() as cursor:  # see selectors.py
        cursor.execute(_USED_LATELY, [team.pk, user.pk])
        used = {(server_id, assistant_id): at for server_id, assistant_id, at in cursor.fetchall()}
    choices = []
    for one in assistants:
        times = [used[key] for name in assistant_ids(one) if (key := (one.server_id, name)) in used]
        value = one.graph_id if one.is_default else titles[one.pk]
        choices.append(Choice(one, titles[one.pk], value, one.about, max(times, default=None)))
    return sorted(choices, key=lambda choice: (choice.used_at is None, -(choice.used_at or _NEVER).timestamp()))


_NEVER = datetime.fromtimestamp(0).astimezone()

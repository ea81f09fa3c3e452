"""The assistants offered as cards, each a link that fills the form with an example its own schema gives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.servers.models import Assistant
from dashboard.servers.schemas import schema_example


@dataclass(frozen=True)
class AssistantCard:
    """One assistant with a link to the form filled in for it."""

    assistant_id: str
    title: str
    description: str
    url: str


def assistant_cards(assistants: Iterable[Assistant]) -> list[AssistantCard]:
    """A card for each assistant, in the given order."""
    return [_card(assistant) for assistant in assistants]


def _card(assistant: Assistant) -> AssistantCard:
    is_default = assistant.name == assistant.graph_id
    assistant_id = assistant.graph_id if is_default else str(assistant.assistant_id)
    query = {"assistant_id": assistant_id}
    for field in ("input", "context"):
        example = schema_example(assistant.schemas.get(f"{field}_schema"))
        if example:
            query[field] = json.dumps(example, ensure_ascii=False, indent=2)
    schema = assistant.schemas.get("input_schema") or {}
    return AssistantCard(
        assistant_id=assistant_id,
        title=assistant.name,
        description=assistant.description or str(schema.get("description") or ""),
        url=f"{reverse('launch')}?{urlencode(query)}",
    )

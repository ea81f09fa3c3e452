"""What a run and its assistant are called, for rows that are read without the model, too."""

from __future__ import annotations

from dashboard.runs.state.seen import seen
from dashboard.runs.text import is_visible


def title_of(name: str, summary: str, label: str) -> str:
    """What a person reads first: the run's name, else what it was about, else its assistant."""
    return seen(next((text for text in (name, summary) if is_visible(text)), label))


def label_of(assistant_name: str, graph_id: str, assistant_id: str) -> str:
    """The assistant's name; before it was known, its graph or what was typed."""
    return seen(assistant_name if is_visible(assistant_name) else graph_id or assistant_id)

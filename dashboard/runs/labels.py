"""What people add to a run: a name, tags, a star, a note. The search finds them, and the activity lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from dashboard.runs.events import EventKind
from dashboard.runs.models import Run, RunResult
from dashboard.runs.search_words import all_words
from dashboard.runs.summary import BODY_MAX_BYTES
from dashboard.runs.text import storable
from dashboard.runs.transitions import event_append
from dashboard.teams.models import User

NAME_CHARS = 200
TAG_CHARS = 60
TAGS_MAX = 30
NOTE_CHARS = 5_000


class BadLabel(ValueError):
    """It cannot be stored; the message says why. Nothing was changed."""


def run_rename(*, run: Run, by: User, name: str) -> bool:
    """Give the run another name; "" takes it away. Returns whether that changed anything.

    Raises:
        BadLabel: the name is too long.
    """
    if len(name) > NAME_CHARS:
        raise BadLabel(f"A name has at most {NAME_CHARS} characters.")
    name = storable(name).strip()
    return _label(run, by, EventKind.RENAMED, {"name": name}, {"name": name})


def run_tag(*, run: Run, by: User, add: Sequence[str] = (), remove: Sequence[str] = ()) -> bool:
    """Add and remove tags; a tag in both is removed.

    Raises:
        BadLabel: a tag is too long, or there would be too many.
    """
    with transaction.atomic():
        tags = Run.objects.select_for_update(no_key=True).values_list("tags", flat=True).get(pk=run.pk)
        kept = [tag for tag in dict.fromkeys([*tags, *add]) if tag not in remove]
        if any(len(tag) > TAG_CHARS for tag in add):
            raise BadLabel(f"A tag has at most {TAG_CHARS} characters.")
        if len(kept) > max(TAGS_MAX, len(tags)):
            raise BadLabel(f"A run has at most {TAGS_MAX} tags.")
        data = {"add": [tag for tag in kept if tag not in tags], "remove": [tag for tag in tags if tag not in kept]}
        return _label(run, by, EventKind.TAGGED, data, {"tags": kept})


def run_star(*, run: Run, by: User, on: bool) -> bool:
    """Star the run for the team, or remove the star. Starred runs are kept when old runs are removed."""
    return _label(run, by, EventKind.STARRED, {"on": on}, {"is_starred": on})


def run_note(*, run: Run, by: User, text: str) -> bool:
    """Replace the run's note; "" removes it.

    Raises:
        BadLabel: it is too long.
    """
    if len(text) > NOTE_CHARS:
        raise BadLabel(f"A note has at most {NOTE_CHARS:,} characters.")
    return _label(run, by, EventKind.NOTED, {}, {"note": storable(text).strip()})


def tags_of(texts: Sequence[str]) -> list[str]:
    """The tags in what somebody typed: one or several in a field, separated by commas."""
    return list(dict.fromkeys(tag for text in texts for tag in map(str.strip, storable(text).split(",")) if tag))


def _label(run: Run, by: User, kind: EventKind, data: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    with transaction.atomic():
        now = Run.objects.select_for_update(no_key=True, of=("self",)).select_related("request").get(pk=run.pk)
        if all(getattr(now, name) == value for name, value in fields.items()):
            return False
        for name, value in fields.items():
            setattr(now, name, value)
            setattr(run, name, value)
        result = RunResult.objects.filter(run=run, size_bytes__lte=BODY_MAX_BYTES).first()
        body = result.body if result is not None else None
        event_append(now, kind, data, by=by, search_text=all_words(now, now.request.params, body), **fields)
    return True

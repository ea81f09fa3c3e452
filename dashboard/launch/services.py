"""Every write about presets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from dashboard.launch.models import Preset
from dashboard.launch.presets import preset_values
from dashboard.runs.services import LaunchOrder
from dashboard.teams.models import Team, User


@dataclass(frozen=True)
class PresetOrder:
    """The settings of a preset. `launch`: None leaves its values as they are."""

    name: str
    description: str
    scope: str
    locked: Iterable[str]
    hidden: Iterable[str]
    launch: LaunchOrder | None

    def columns(self) -> dict[str, Any]:
        """The same as columns of the table."""
        columns: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "scope": self.scope,
            "locked": sorted(set(self.locked)),
            "hidden": sorted(set(self.hidden)),
        }
        if self.launch is not None:
            columns |= {
                "server": self.launch.server,
                "assistant_id": self.launch.assistant_id,
                "values_text": json.dumps(preset_values(self.launch)),
            }
        return columns


def preset_create(*, team: Team, by: User, order: PresetOrder) -> Preset:
    """Save a launch as a preset."""
    return Preset.objects.create(team=team, created_by=by, **order.columns())


def preset_update(*, preset: Preset, order: PresetOrder) -> None:
    """Change a preset; runs that were launched with it stay as they are."""
    Preset.objects.filter(pk=preset.pk).update(updated_at=Now(), **order.columns())


def preset_delete(*, preset: Preset) -> None:
    """Delete a preset; its runs stay."""
    preset.delete()

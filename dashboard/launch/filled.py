"""A launch form as it was posted, with the preset that it names."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.launch.forms import LaunchForm
from dashboard.launch.models import Preset
from dashboard.launch.presets import preset_apply, preset_data, preset_id_of
from dashboard.launch.selectors import preset_get
from dashboard.runs.services import LaunchOrder
from dashboard.teams.middleware import TeamRequest

NO_SUCH_PRESET = "There is no such preset any more. Launch without it, or choose another."


@dataclass(frozen=True)
class Filled:
    """`order` is what may go out; None while `form.errors` say what stands in the way."""

    form: LaunchForm
    order: LaunchOrder | None
    preset: Preset | None


def preset_named(request: TeamRequest) -> Preset | None:
    """The preset that the form, or the address, names; None for none, and for one that is not there."""
    text = request.POST.get("preset") or request.GET.get("preset") or ""
    return preset_get(request.team, request.user, preset_id_of(text)) if text else None


def filled_form(request: TeamRequest) -> Filled:
    """Read the posted form: checked, and against the preset's locked fields."""
    preset = preset_named(request)
    data = preset_data(preset, request.POST) if preset else request.POST
    form = LaunchForm(data, team=request.team)
    if not form.is_valid():
        return Filled(form, None, preset)
    order = form.order()
    errors: dict[str, list[str]] = {}
    if preset is not None:
        applied = preset_apply(preset, order)
        order, errors = applied.order, dict(applied.errors)
    elif request.POST.get("preset"):
        errors["preset"] = [NO_SUCH_PRESET]
    for name, sentences in errors.items():
        form.errors.setdefault(name, form.error_class()).extend(sentences)
    return Filled(form, None if errors else order, preset)

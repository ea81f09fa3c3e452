"""A launch form as it was posted, with the preset that it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dashboard.launch.differences import difference, fork_start
from dashboard.launch.forms import LaunchForm
from dashboard.launch.models import Preset
from dashboard.launch.presets import preset_apply, preset_data, preset_fixed, preset_id_of
from dashboard.launch.selectors import preset_get
from dashboard.runs.models import ParentKind
from dashboard.runs.services import LaunchOrder
from dashboard.teams.middleware import TeamRequest

NO_SUCH_PRESET = "This preset no longer exists. Launch without it, or choose another."


@dataclass(frozen=True)
class Filled:
    """`order` is the launch; None while there are `form.errors`."""

    form: LaunchForm
    order: LaunchOrder | None
    preset: Preset | None


def preset_named(request: TeamRequest) -> Preset | None:
    """The preset that the form or the address names; None without one, or if it does not exist."""
    text = request.POST.get("preset") or request.GET.get("preset") or ""
    return preset_get(request.team, request.user, preset_id_of(text)) if text else None


def filled_form(request: TeamRequest) -> Filled:
    """Read the posted form: checked, and against the preset's locked fields."""
    preset = preset_named(request)
    form = _form(request, preset)
    if not form.is_valid():
        return Filled(form, None, preset)
    order = form.order()
    errors: dict[str, list[str]] = {}
    if preset is not None:
        applied = preset_apply(preset, order)
        order, errors = applied.order, dict(applied.errors)
    elif request.POST.get("preset"):
        errors["preset"] = [NO_SUCH_PRESET]
    order = replace(order, parent_kind=kind_of(order))
    for name, sentences in errors.items():
        form.errors.setdefault(name, form.error_class()).extend(sentences)
    return Filled(form, None if errors else order, preset)


def posted_form(request: TeamRequest) -> LaunchForm:
    """The posted form to show again, not checked yet."""
    return _form(request, preset_named(request))


def _form(request: TeamRequest, preset: Preset | None) -> LaunchForm:
    data = preset_data(preset, request.POST) if preset else request.POST
    return LaunchForm(data, team=request.team, by=request.user, files=request.FILES, fixed=preset_fixed(preset))


def kind_of(order: LaunchOrder) -> ParentKind | Literal[""]:
    """The launch's relation to its parent: forked from one of its checkpoints, with edits, or the same again."""
    parent = order.parent
    if parent is None or order.parent_kind != ParentKind.AGAIN:
        return order.parent_kind
    if fork_start(parent, order.thread_choice, order.thread_id, order.params):
        return ParentKind.FORK
    return ParentKind.EDIT if difference(parent, order).fields else ParentKind.AGAIN

"""The form of a preset: its name and who sees it, and a launch whose fields may be incomplete."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from dashboard.launch.forms import LaunchForm
from dashboard.launch.models import Preset, PresetScope
from dashboard.launch.parameters import WAIT_PARAMETERS
from dashboard.launch.services import PresetOrder
from dashboard.runs.services import LaunchOrder
from dashboard.teams.models import Team

NOT_OF_THE_LAUNCH = ("name", "description", "scope", "locked", "hidden", "launch_key", "parent", "preset", "headers")
FIXABLE = {*WAIT_PARAMETERS, "thread", "thread_id", "tags"} - {"headers"}
MISSING_IS_FINE = ("This is required.",)
"""A preset may leave required fields empty, for the launch to fill in."""


class PresetForm(forms.Form):
    """The settings of a preset. Fields that a POST leaves out keep their value."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        error_messages={"required": "Give it a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    description = forms.CharField(
        required=False,
        max_length=2000,
        label="Description",
        help_text="When to use it, for others or for later.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    scope = forms.ChoiceField(choices=PresetScope.choices, label="Who sees it", widget=forms.RadioSelect)

    def __init__(self, data: QueryDict | None = None, *, team: Team, preset: Preset | None = None) -> None:
        self.posted, self.team, self.preset = data, team, preset
        self.launch: LaunchForm | None = None
        initial: dict[str, Any] = {"scope": PresetScope.MINE}
        if preset is not None:
            initial = {"name": preset.name, "description": preset.description, "scope": preset.scope}
        given = None
        if data is not None:
            given = {**initial, **{name: data[name] for name in self.base_fields if name in data}}
        super().__init__(given, initial=initial)
        if data is not None and (preset is None or "assistant_id" in data):
            self.launch = LaunchForm(launch_of(data), team=team)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.launch is not None:
            for name, sentences in launch_errors(self.launch).items():
                for sentence in sentences:
                    # Under their own names, which are not fields of this form.
                    self.errors.setdefault(name, self.error_class()).append(sentence)
        for kind in ("locked", "hidden"):
            data[kind] = self._names(kind)
        return data

    def _names(self, kind: str) -> list[str]:
        """The checked field names; the preset's own, when the POST had no checkboxes."""
        assert self.posted is not None
        is_given = any(name in self.posted for name in ("locked", "hidden", "fixed_given"))
        if not is_given and self.preset is not None:
            return list(getattr(self.preset, kind))
        names = [name for name in self.posted.getlist(kind) if name]
        for name in names:
            if name.partition("/")[0] not in FIXABLE or len(name) > 500:
                self.errors.setdefault(kind, self.error_class()).append(f"“{name[:60]}” is no field of a launch.")
        return names

    def order(self) -> PresetOrder:
        """The settings for the services. Only for a valid form."""
        data = self.cleaned_data
        return PresetOrder(
            name=data["name"],
            description=data["description"],
            scope=data["scope"],
            locked=data["locked"],
            hidden=data["hidden"],
            launch=launch_order(self.launch) if self.launch is not None else None,
        )


def launch_of(posted: QueryDict) -> QueryDict:
    """The fields of the launch among those that were posted."""
    data = posted.copy()
    for name in NOT_OF_THE_LAUNCH:
        data.pop(name, None)
    return data


def launch_errors(form: LaunchForm) -> dict[str, list[str]]:
    """The errors that prevent saving; fields that are still empty do not."""
    found = {}
    for name, sentences in form.errors.items():
        rest = [str(sentence) for sentence in sentences if "/" not in name or str(sentence) not in MISSING_IS_FINE]
        if rest:
            found[name] = rest
    return found


def launch_order(form: LaunchForm) -> LaunchOrder:
    """The launch, incomplete as it may be."""
    return form.order()

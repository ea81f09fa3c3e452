"""The form that makes a form link, and the form that it shows to strangers."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from dashboard.launch.documents import Document
from dashboard.launch.forms import LaunchForm
from dashboard.launch.models import Preset
from dashboard.launch.presets import preset_apply, preset_controls, preset_data, preset_fixed
from dashboard.runs.models import ThreadChoice
from dashboard.runs.services import LaunchOrder
from dashboard.schema_forms.pointers import path_of
from dashboard.schema_forms.posted import MARKS, UPLOAD
from dashboard.sharing.form_links.services import NAME_CHARS, FormOrder
from dashboard.sharing.forms import ShownForm
from dashboard.sharing.models import FormLink

OPEN: Final = ("input", "context")
"""The documents that a form shows. Settings are always the preset's."""
ON_A_THREAD = "This preset continues one thread, so every sender would see all of it. Make a preset with a new thread."
BROKEN = "This form cannot be sent right now. This is not your fault. Tell the person who sent you the link."
FEW: Final = 20


class FormLinkForm(ShownForm):
    """A new form link."""

    name = forms.CharField(max_length=NAME_CHARS, required=False, label="Title", help_text="Empty: the preset’s name.")  # noqa: RUF001
    max_launches = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label="Launches at most",
        help_text="In total. Empty: no limit.",
    )
    max_per_hour = forms.IntegerField(
        min_value=1, max_value=100_000, required=False, label="In an hour at most", help_text="Empty: no limit."
    )
    note = forms.CharField(
        max_length=200, required=False, label="Note", help_text="Who it is for. Only your team sees this."
    )

    def __init__(self, data: Any = None, *, preset: Preset, **more: Any) -> None:
        self.preset = preset
        super().__init__(data, **more)

    def clean(self) -> dict[str, Any]:
        if self.preset.values.get("thread") == ThreadChoice.EXISTING:
            raise ValidationError({"name": ON_A_THREAD})
        return self.cleaned_data

    def order(self) -> FormOrder:
        """Only for a valid form."""
        given = self.cleaned_data
        return FormOrder(
            name=given["name"].replace("\x00", "").strip(),
            shown=self.shown(),
            max_launches=given["max_launches"],
            max_per_hour=given["max_per_hour"],
            password=given["password"],
            note=given["note"].replace("\x00", ""),
        )


def form_initial() -> dict[str, Any]:
    """Initial values for a new form link."""
    return {"show": ["result", "messages"], "redact_kinds": ["secret"], "expires": "30d", "max_per_hour": FEW}


class StrangersForm:
    """The preset's launch form as strangers see it: its open fields, and nothing else.

    Attributes:
        problems: Sentences about what nobody can fix on this page.
    """

    def __init__(self, link: FormLink, posted: QueryDict | None = None, files: Mapping[str, Any] | None = None) -> None:
        self.link, self.preset = link, link.preset
        fixed = preset_fixed(self.preset)
        team, by = self.preset.team, link.created_by
        if posted is None:
            initial = preset_controls(self.preset) | {name: self._open_text(name) for name in OPEN}
            self.launch = LaunchForm(
                team=team, by=by, initial=initial, controls=QueryDict(), fixed=fixed, is_plain=True
            )
        else:
            data = preset_data(self.preset, _only_open(posted))
            self.launch = LaunchForm(data, team=team, by=by, files=files, fixed=fixed, is_plain=True)
        self.problems: list[str] = []

    @property
    def documents(self) -> list[Document]:
        """The documents to show: the input, and the context if the assistant has a schema for it."""
        found = self.launch.documents
        return [found["input"], *([found["context"]] if found["context"].has_form else [])]

    def act(self, action: str) -> bool:
        """Carry out a row button. Launches nothing."""
        self.launch.is_checked = False
        return any(document.form is not None and document.form.act(action) for document in self.documents)

    def order(self) -> LaunchOrder | None:
        """The launch; None while `launch.errors` or `problems` prevent it."""
        if not self.launch.is_valid():
            self._other_problems()
            return None
        applied = preset_apply(self.preset, self.launch.order())
        for name, sentences in applied.errors.items():
            self.launch.errors.setdefault(name, self.launch.error_class()).extend(sentences)
        if applied.errors:
            self._other_problems()
            return None
        choice = applied.order.thread_choice
        if choice == ThreadChoice.EXISTING:
            self.problems.append(BROKEN)
            return None
        return replace(applied.order, name="", headers={}, thread_id=None)

    def error_links(self) -> list[tuple[str, str, str, str]]:
        """The errors of visible fields."""
        return [link for link in self.launch.error_links() if _is_open(link[0])]

    def text_errors(self, name: str) -> list[str]:
        return [str(sentence) for sentence in self.launch.errors.get(name, ())]

    def _other_problems(self) -> None:
        if not self.error_links():
            self.problems.append(BROKEN)

    def _open_text(self, name: str) -> str:
        """The preset's document as JSON, without locked values where they would be visible."""
        value = copy.deepcopy(self.preset.params.get(name))
        if value is None:
            return ""
        for field in self.preset.fixed if self._is_text(name) else ():
            if field.partition("/")[0] == name:
                value = _without(value, list(path_of(name, field)))
        return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)

    def _is_text(self, name: str) -> bool:
        blank = LaunchForm(
            team=self.preset.team,
            initial={"server": self.preset.server_id, "assistant_id": self.preset.assistant_id},
            controls=QueryDict(),
            is_plain=True,
        )
        return blank.documents[name].form is None


def _is_open(control: str) -> bool:
    return control.partition("/")[0] in OPEN


def _only_open(posted: QueryDict) -> QueryDict:
    """The posted fields of the open documents; a sender cannot set the rest."""
    data = QueryDict(mutable=True)
    for name in posted:
        mark, _, rest = name.partition("/")
        of = rest if mark in (*MARKS, UPLOAD) else name
        if _is_open(of) or name in {f"{document}_view" for document in OPEN}:
            data.setlist(name, posted.getlist(name))
    return data


def _without(value: Any, path: list[str]) -> Any:
    if not path:
        return None
    if isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            del value[path[0]]
        else:
            value[path[0]] = _without(value[path[0]], path[1:])
    return value

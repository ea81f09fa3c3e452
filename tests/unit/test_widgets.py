"""Form controls that we write ourselves are to the letter those of Django's templates."""

from __future__ import annotations

import pytest
from django import forms
from django.forms.boundfield import BoundWidget
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from dashboard.widgets import Widgets

HOSTILE = """<b>"'&{{ x }}"""
GROUPED = [("", "None"), ("Group <1>", [(1, "one"), (HOSTILE, HOSTILE)]), ("a", mark_safe("<i>a</i>"))]
WIDGETS = [
    forms.TextInput(),
    forms.TextInput(attrs={"data-x": HOSTILE, "required": True, "hidden": False, "size": 4}),
    forms.HiddenInput(),
    forms.NumberInput(attrs={"step": "any"}),
    forms.EmailInput(),
    forms.URLInput(),
    forms.PasswordInput(render_value=True),
    forms.CheckboxInput(),
    forms.Textarea(attrs={"rows": 2}),
    forms.Select(choices=GROUPED),
    forms.Select(attrs={"class": "a b"}, choices=[("1", "one")]),
    forms.RadioSelect(choices=GROUPED),
    forms.CheckboxSelectMultiple(choices=GROUPED),
]


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: type(widget).__name__)
@pytest.mark.parametrize("value", [None, "", "a", 1, 0, True, HOSTILE, mark_safe("&lt;"), "\nline\n"])
def test_controls_are_those_of_django(widget: forms.Widget, value: object) -> None:
    for attrs in (None, {"id": "id_x"}):
        ours, theirs = (widget.render(HOSTILE, value, attrs, renderer) for renderer in (Widgets(), DjangoTemplates()))
        assert ours == theirs


@pytest.mark.parametrize("widget", [forms.RadioSelect, forms.CheckboxSelectMultiple])
@pytest.mark.parametrize("attrs", [None, {"id": "id_x", "required": True}])
def test_single_options_are_those_of_django(widget: type[forms.ChoiceWidget], attrs: dict[str, object] | None) -> None:
    for option in widget(choices=GROUPED).subwidgets(HOSTILE, [HOSTILE], attrs):
        ours, theirs = (BoundWidget(widget(), option, renderer) for renderer in (Widgets(), DjangoTemplates()))
        assert ours.tag() == theirs.tag()
        assert str(ours) == str(theirs)

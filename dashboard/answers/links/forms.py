"""Making an answer link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dashboard.runs.text import is_visible

LIFETIMES = {"3600": "1 hour", "86400": "1 day", "604800": "7 days", "2592000": "30 days", "": "Until it is used"}


class AnswerLinkForm(forms.Form):
    """Whom it is for, how long it works, and its password."""

    name = forms.CharField(
        max_length=60,
        label="For whom",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Bob of Accounting"}),
        error_messages={"required": "Say who it is for: the run's page shows this name with the answer."},
    )
    expires_in = forms.IntegerField(
        min_value=60,
        max_value=366 * 24 * 3600,
        required=False,
        label="Works for",
        widget=forms.Select(choices=list(LIFETIMES.items())),
        initial=604_800,
    )
    password = forms.CharField(
        min_length=4,
        max_length=200,
        required=False,
        strip=False,
        label="Password (optional)",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "answer-link-%s")  # other forms are on the same page
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if not is_visible(name):
            raise ValidationError("Give a visible name.")
        return name

    def lifetime(self) -> timedelta | None:
        """None for no end."""
        seconds = self.cleaned_data["expires_in"]
        return timedelta(seconds=seconds) if seconds else None

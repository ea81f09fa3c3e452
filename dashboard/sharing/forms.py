"""How long a share link works."""

from __future__ import annotations

from datetime import timedelta

from django import forms

LIFETIMES: dict[str, tuple[str, timedelta | None]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "never": ("Until revoked", None),
}


class ShareForm(forms.Form):
    """The sharer's choice of expiry."""

    expires = forms.ChoiceField(
        choices=[(key, label) for key, (label, _) in LIFETIMES.items()],
        initial="7d",
        label="Link works for",
        error_messages={"invalid_choice": "Choose one of the offered times.", "required": "Choose how long it works."},
    )

    def lifetime(self) -> timedelta | None:
        """The chosen time; None for until revoked. Only for a valid form."""
        return LIFETIMES[self.cleaned_data["expires"]][1]

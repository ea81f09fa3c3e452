"""What a share link shows, hides and requires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from dashboard.sharing.models import Audience, shown_before
from dashboard.sharing.parts import ALWAYS, CHOICES
from dashboard.sharing.redaction.kinds import KINDS
from dashboard.sharing.redaction.patterns import PatternRefused, pattern_compile
from dashboard.sharing.services import ShareOrder

LIFETIMES: dict[str, tuple[str, timedelta | None]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "never": ("Until revoked", None),
}
LONGEST_S: Final = 10 * 366 * 24 * 3600
POINTERS: Final = 50
POINTER_CHARS: Final = 500
PATTERNS: Final = 10


class Lines(forms.Field):
    """Texts, one a line; the field may also be repeated."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"})

    def to_python(self, value: Any) -> list[str]:
        lines = (line.strip("\r\n\t ") for line in str(value or "").split("\n"))
        return list(dict.fromkeys(line for line in lines if line))


class Pointers(Lines):
    """JSON Pointers, one a line."""

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        for pointer in value:
            if not pointer.startswith("/"):
                raise ValidationError(f"A place begins with /, for example /customer/email: “{pointer[:80]}” does not.")
            if len(pointer) > POINTER_CHARS:
                raise ValidationError(f"A place has at most {POINTER_CHARS} characters.")
        if len(value) > POINTERS:
            raise ValidationError(f"Give at most {POINTERS} places.")


class Patterns(Lines):
    """Custom patterns, each fast on any text."""

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        for pattern in value:
            try:
                pattern_compile(pattern)
            except PatternRefused as error:
                raise ValidationError(f"“{pattern[:80]}”: {error}") from None
        if len(value) > PATTERNS:
            raise ValidationError(f"Give at most {PATTERNS} patterns.")


class ShownForm(forms.Form):
    """What to show and hide: the fields that share links and form links have in common."""

    show = forms.MultipleChoiceField(
        choices=[*CHOICES, *((name, name) for name in ALWAYS)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="It shows",
        error_messages={"invalid_choice": "There is no part “%(value)s” to show."},
    )
    redact_kinds = forms.MultipleChoiceField(
        choices=[(kind.name, kind.label) for kind in KINDS.values()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Hide everywhere",
        error_messages={"invalid_choice": "There is no kind “%(value)s” to hide."},
    )
    redact = Pointers(required=False, label="Hide these places", help_text="Such as /customer/email, one per line.")
    keys = Pointers(
        required=False, label="Of the result, only these places", help_text="Such as /answer, one per line. Empty: all."
    )
    redact_patterns = Patterns(
        required=False, label="Hide what matches", help_text="Such as INV-\\d{6}, one per line; no groups."
    )
    password = forms.CharField(
        max_length=200, required=False, strip=False, label="Password", widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password"}
        ),
    )  # fmt: skip
    expires = forms.ChoiceField(
        choices=[(key, label) for key, (label, _) in LIFETIMES.items()],
        required=False,
        initial="7d",
        label="Link works for",
        error_messages={"invalid_choice": "Choose one of the offered times."},
    )
    expires_in = forms.IntegerField(min_value=1, max_value=LONGEST_S, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(_joined(data), **more)
        for name, field in self.fields.items():
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_helptext"

    def lifetime(self) -> timedelta | None:
        """The chosen time; None for until revoked. Only for a valid form."""
        if (seconds := self.cleaned_data["expires_in"]) is not None:
            return timedelta(seconds=seconds)
        chosen = self.cleaned_data["expires"]
        return LIFETIMES[chosen][1] if chosen else None

    def shown(self) -> dict[str, Any]:
        """What to show and hide, as columns. Only for a valid form."""
        given = self.cleaned_data
        names = ("keys", "redact", "redact_kinds", "redact_patterns")
        # No such field at all: a client from before links could choose.
        show = [name for name in given["show"] if name not in ALWAYS] if given["show"] else shown_before()
        return {"show": show, **{name: given[name] for name in names}}


class ShareForm(ShownForm):
    """A new share link."""

    max_views = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label="Opens at most",
        help_text="How many times. Empty: no limit.",
    )
    audience = forms.ChoiceField(
        choices=Audience.choices,
        required=False,
        initial=Audience.ANYONE,
        label="Who may open it",
        error_messages={"invalid_choice": "Choose anyone, signed_in or team."},
    )
    unfurl = forms.BooleanField(required=False, label="Chat programs may show its name and status")
    note = forms.CharField(
        max_length=200, required=False, label="Note", help_text="Who it is for. Only your team sees this."
    )

    def order(self) -> ShareOrder:
        """Only for a valid form."""
        given = self.cleaned_data
        return ShareOrder(
            **self.shown(),
            max_views=given["max_views"],
            password=given["password"],
            audience=given["audience"] or Audience.ANYONE,
            unfurl=given["unfurl"],
            note=given["note"].replace("\x00", ""),
        )


def panel_initial() -> dict[str, Any]:
    """Initial values for a new link: the result, for a week, without anything that looks like a key or password."""
    return {"show": shown_before(), "redact_kinds": ["secret"], "expires": "7d"}


def _joined(data: Any) -> Any:
    """Repeated fields of lines as one text."""
    if data is None or not hasattr(data, "getlist"):
        return data
    data = data.copy()
    for name in ("redact", "keys", "redact_patterns"):
        if name in data:
            data[name] = "\n".join(data.getlist(name))
    return data

"""How long to snooze a question: one of a few times, or any, in the person's own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from dashboard.runs.attention import LONGEST

CHOICES = {
    "": "Choose",
    "1h": "For an hour",
    "4h": "For four hours",
    "tomorrow": "Until tomorrow, 9:00",
    "monday": "Until Monday, 9:00",
}
MORNING = 9


class SnoozeForm(forms.Form):
    """`until` as typed, in the person's zone unless it names one; else `for`; both empty: no longer."""

    until = forms.CharField(max_length=40, required=False)

    def __init__(self, data: object) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["for"] = forms.ChoiceField(choices=list(CHOICES.items()), required=False)

    def clean_until(self) -> datetime | None:
        text = self.cleaned_data["until"].strip()
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError("Give a time like 2026-11-27T09:00.") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.get_current_timezone())

    def moment(self) -> datetime | None:
        """Until when; None to show it again.

        Raises:
            ValidationError: it has passed, or is further away than LONGEST.
        """
        moment: datetime | None = self.cleaned_data["until"] or _moment_of(self.cleaned_data["for"])
        try:
            seconds = (moment - timezone.now()).total_seconds() if moment else 1.0
        except OverflowError:
            seconds = -1.0
        if seconds <= 0:
            raise ValidationError("That time has passed. Give a later time.")
        if seconds > LONGEST.total_seconds():
            raise ValidationError("That is over a year away.")
        return moment


def _moment_of(choice: str) -> datetime | None:
    if not choice:
        return None
    if choice.endswith("h"):
        return timezone.now() + timedelta(hours=int(choice[:-1]))
    today = timezone.localtime()
    days = 1 if choice == "tomorrow" else 7 - today.weekday()
    day = (today + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, MORNING, tzinfo=timezone.get_current_timezone())

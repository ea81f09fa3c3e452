"""Times to come, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.runs.templatetags.runs import until


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=7) - timedelta(seconds=2), "in 7 days"),
        (timedelta(days=6, hours=13), "in 7 days"),
        (timedelta(days=2) - timedelta(seconds=2), "in 2 days"),
        (timedelta(days=1) - timedelta(seconds=2), "in 24 hours"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(seconds=40), "in a minute"),
    ],
)
def test_what_was_just_made_ends_as_late_as_was_chosen(left: timedelta, words: str) -> None:
    assert f">{words}</time>" in until(timezone.now() + left)

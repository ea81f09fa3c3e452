"""When a run starts: "in" some time or "at" a time in the person's zone, as seconds from now for `wait`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone

UNITS: Final = {"minutes": 60, "hours": 3600, "days": 24 * 3600}


def start_after_s(data: Mapping[str, Any], *, most_s: int) -> int | None:
    """Seconds from now until the start that `start_in` with `start_unit`, or `start_at` with `start_zone`, asks for.

    Raises:
        ValidationError: It cannot be read, has passed, or is further away than `most_s`.
    """
    start = str(data.get("start") or "")
    if start == "in":
        seconds = _seconds_in(str(data.get("start_in") or ""), str(data.get("start_unit") or "minutes"))
    elif start == "at":
        seconds = _seconds_until(str(data.get("start_at") or ""), str(data.get("start_zone") or "UTC"))
    else:
        return None
    if seconds > most_s:
        raise ValidationError(f"That is over a year away. Give at most {most_s // 86400} days.")
    return seconds


def _seconds_in(text: str, unit: str) -> int:
    try:
        amount = float(text.strip().replace(",", "."))
    except ValueError:
        amount = math.nan
    if unit not in UNITS or not math.isfinite(amount) or amount < 0:
        raise ValidationError("Say in how many minutes, hours or days the run starts, for example 30.")
    return math.ceil(amount * UNITS[unit])


def _seconds_until(text: str, zone: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValidationError("Say when the run starts, for example 2026-11-26 14:30.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
        # In the hour that the clocks skip in spring, the time that is meant does not exist.
        there = moment.astimezone(UTC).astimezone(moment.tzinfo)
        if there.replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise ValidationError(f"The clocks go forward then: {text[11:16]} does not exist in {zone} that day.")
    seconds = math.ceil((moment - timezone.now()).total_seconds())
    if seconds < 0:
        raise ValidationError("That time has passed; a run cannot start in the past.")
    return seconds


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(f"“{name[:40]}” is no time zone, such as Europe/Warsaw.") from None

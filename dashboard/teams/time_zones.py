"""The time zones that people can choose."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


def time_zone_named(text: str) -> str:
    """The zone of this name, or of this city ("Berlin", "new york"); "" when there is none, or are several."""
    if text in time_zones():
        return text
    city = text.strip().replace(" ", "_").casefold()
    found = [zone for zone in time_zones() if zone.rpartition("/")[2].casefold() == city]
    return found[0] if len(found) == 1 else ""


@cache
def time_zones() -> frozenset[str]:
    """Their names. Read once: searching the system's files takes 10 ms."""
    return frozenset(available_timezones())

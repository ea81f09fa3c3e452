"""The filters and order of a runs page, as in its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone

from dashboard.runs.models import WaitState
from dashboard.runs.statuses import ACTIVE, RunStatus
from dashboard.teams.time_zones import time_zones

STATUS_GROUPS = {"active": ACTIVE}
"""Filters that mean several statuses at once."""
PERIODS = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days"}
DAYS = {"today": "Today", "yesterday": "Since yesterday"}
SORTS = {
    "-started": "Newest first",
    "started": "Oldest first",
    "-duration": "Longest first",
    "duration": "Shortest first",
}
VALUE_PATH = re.compile(r"(input|result)(\.[^=&]{1,200})?")

_PERIOD = re.compile(r"(\d{1,4})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WORDS = {
    "assistant": "Assistant",
    "graph": "Graph",
    "server": "Server",
    "person": "Launched by",
    "thread": "Thread",
    "batch": "Batch",
    "error": "Error",
    "text": "Text",
}


@dataclass(frozen=True)
class RunFilters:
    """Which runs, in which order. Empty means everything, newest first. `zone` is the reader's time zone."""

    statuses: tuple[str, ...] = ()
    assistant: str = ""
    graph: str = ""
    server: str = ""
    person: str = ""
    tags: tuple[str, ...] = ()
    thread: str = ""
    batch: str = ""
    since: str = ""
    until: str = ""
    min_s: float | None = None
    max_s: float | None = None
    error: str = ""
    waiting: str = ""
    starred: bool = False
    values: tuple[tuple[str, str], ...] = ()
    text: str = ""
    sort: str = "-started"
    zone: str = "UTC"

    @classmethod
    def from_query(cls, query: QueryDict) -> RunFilters:
        """Read the address and ignore what is unknown."""
        known = {*RunStatus.values, *STATUS_GROUPS}
        zone = query.get("tz", "") or timezone.get_current_timezone_name()
        waiting = query.get("waiting", "")
        return cls(
            statuses=tuple(dict.fromkeys(word for word in query.getlist("status") if word in known)),
            tags=tuple(dict.fromkeys(tag for tag in map(_clean, query.getlist("tag")) if tag)),
            **{name: _clean(query.get(name, "")) for name in _WORDS if name != "text"},
            since=_clean(query.get("from", "") or query.get("since", "")),  # a day of one's own before a period
            until=_clean(next(filter(None, reversed(query.getlist("until"))), "")),
            min_s=_seconds(query.get("min_s", "")),
            max_s=_seconds(query.get("max_s", "")),
            waiting=waiting if waiting in WaitState.values else "open" if waiting in ("1", "true", "yes") else "",
            starred=query.get("starred", "") in ("1", "true", "yes", "on"),
            values=_values(query),
            text=_clean(query.get("q", "")),
            sort=query.get("sort", "") if query.get("sort", "") in SORTS else "-started",
            zone=zone if zone in time_zones() else "UTC",
        )._without_nonsense()

    def _without_nonsense(self) -> RunFilters:
        kept = {name: getattr(self, name) if self.moment(name) else "" for name in ("since", "until")}
        return replace(self, **kept)  # type: ignore[arg-type]  # mypy takes the names for any field

    @classmethod
    def from_text(cls, query: str) -> RunFilters:
        """The same from a query string."""
        return cls.from_query(QueryDict(query))

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) != field.default for field in fields(self) if field.name != "zone")

    @property
    def narrows(self) -> bool:
        """Whether it leaves any run out."""
        return bool(replace(self, sort="-started"))

    def pairs(self) -> list[tuple[str, str]]:
        """The filters as names and values of the address."""
        found = [("status", status) for status in self.statuses]
        found += [(name, getattr(self, name)) for name in _WORDS if name != "text"]
        found += [("tag", tag) for tag in self.tags]
        found += [("since", self.since), ("until", self.until)]
        found += [(name, _plain(getattr(self, name))) for name in ("min_s", "max_s")]
        found += [("waiting", self.waiting), ("starred", "1" if self.starred else ""), *self.values, ("q", self.text)]
        found += [("sort", self.sort if self.sort != "-started" else "")]
        return [(name, value) for name, value in found if value]

    def to_query(self) -> str:
        """The address's query string, without the question mark; "" for no filter."""
        return urlencode(self.pairs())

    @property
    def socket_query(self) -> str:
        """The same for a WebSocket, which does not know the reader."""
        return urlencode([*self.pairs(), *([("tz", self.zone)] if self.zone != "UTC" else [])])

    def chips(self, names: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
        """Each filter in force as its words and the query string without it. `names` of assistants and servers."""
        found: list[tuple[str, str]] = []

        def chip(words: str, **changes: Any) -> None:
            found.append((words, replace(self, **changes).to_query()))

        for status in self.statuses:
            label = "Active" if status == "active" else RunStatus(status).label
            chip(f"Status: {label}", statuses=tuple(other for other in self.statuses if other != status))
        for name, words in _WORDS.items():
            if value := getattr(self, name):
                chip(f"{words}: {(names or {}).get(value, value)}", **{name: ""})
        for tag in self.tags:
            chip(f"Tag: {tag}", tags=tuple(other for other in self.tags if other != tag))
        if self.since:
            chip(PERIODS.get(self.since) or DAYS.get(self.since) or f"Since: {self._said('since')}", since="")
        if self.until:
            chip(f"Until: {self._said('until')}", until="")
        if self.min_s is not None:
            chip(f"At least {_plain(self.min_s)} s", min_s=None)
        if self.max_s is not None:
            chip(f"At most {_plain(self.max_s)} s", max_s=None)
        if self.waiting:
            chip("Waits for an answer" if self.waiting == "open" else f"Question {self.waiting}", waiting="")
        if self.starred:
            chip("Starred", starred=False)
        for pair in self.values:
            chip(f"{pair[0]} = {pair[1]}", values=tuple(other for other in self.values if other != pair))
        if self.sort != "-started":
            chip(SORTS[self.sort], sort="-started")
        return found

    def _said(self, name: str) -> str:
        """A moment as people write it; a day as it was given."""
        text, moment = getattr(self, name), self.moment(name)
        if moment is None or len(text) <= 10:
            return str(text)
        local = moment.astimezone(ZoneInfo(self.zone))
        return f"{local.day} {local:%b %Y, %H:%M}"

    def moment(self, name: str) -> datetime | None:
        """The moment that `since` or `until` means; None without one, or when it makes no sense.

        A day is the reader's: `until` one means its end. Periods (`24h`, `7d`) count back from now.
        """
        text = getattr(self, name)
        zone, now = ZoneInfo(self.zone), timezone.now()
        if period := _PERIOD.fullmatch(text):
            return now - timedelta(**{_UNITS[period[2]]: int(period[1])})
        if text in DAYS:
            day = now.astimezone(zone).date() - timedelta(days=1 if text == "yesterday" else 0)
            return datetime.combine(day, time.min, zone)
        try:
            found = datetime.fromisoformat(text)
            if len(text) <= 10 and name == "until":
                found += timedelta(days=1)
            found = found if found.tzinfo else found.replace(tzinfo=zone)
            return found.astimezone(ZoneInfo("UTC"))
        except (ValueError, OverflowError):
            return None


def problems_of(query: QueryDict) -> list[str]:
    """What was left out of the filters because it makes no sense, as sentences for the person who typed it."""
    found = []
    for name in ("min_s", "max_s"):
        if (text := query.get(name, "").strip()) and _seconds(text) is None:
            found.append(f"“{_clean(text)[:60]}” is no number of seconds.")
    path, value = query.get("path", "").strip(), query.get("value", "").strip()
    if path and not VALUE_PATH.fullmatch(path):
        found.append(f"“{_clean(path)[:60]}” is no place: it begins with input. or result., such as input.topic.")
    elif value and not path:
        found.append(f"Where is “{_clean(value)[:60]}”? Name the place too, such as input.topic.")
    return found


def _values(query: QueryDict) -> tuple[tuple[str, str], ...]:
    """`input.topic=tides`, or the same from the form's two fields `path` and `value`."""
    pairs = [(path, str(text)) for path, texts in query.lists() for text in texts]
    pairs.append((query.get("path", "").strip(), query.get("value", "")))
    return tuple(dict.fromkeys((path, _clean(text)) for path, text in pairs if VALUE_PATH.fullmatch(path)))


def _clean(text: str) -> str:
    """A person's text, made fit for Postgres."""
    return text[:200].replace("\x00", "").encode("utf-8", "replace").decode().strip()


def _seconds(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < 10**9 else None


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if number < 10**5 else f"{number:.0f}"

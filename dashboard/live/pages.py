"""The open pages of this process, by what they show. Plain sets: see docs/adr/0006."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from dashboard.steps.notifications import StepsChange

EVERY_PAGE = "every-page"
WORKERS_PAGES = "workers"


def run_group(run_id: object) -> str:
    """The pages that show one run."""
    return f"run.{run_id}"


def team_group(team_id: object) -> str:
    """The pages that list a team's runs."""
    return f"team.{team_id}"


def inbox_group(team_id: object) -> str:
    """The pages that count a team's open questions: all of its members'."""
    return f"inbox.{team_id}"


class Page(Protocol):
    """The notifications of an open page. Each only notes it and returns at once."""

    def look_again(self) -> None:
        """Anything may have changed."""

    def run_changed(self, run_id: UUID, version: int) -> None:
        """A run has a new version."""

    def steps_changed(self, change: StepsChange) -> None:
        """A run on the page has new steps, or more words in them."""

    def inbox_changed(self) -> None:
        """A question of the team was opened or closed."""

    def workers_changed(self) -> None:
        """A worker started, went silent, or is full."""

    def access_changed(self) -> None:
        """Somebody's access may have changed: check again before the next push."""

    def listening_lost(self) -> None:
        """This process gets no changes."""


class OpenPages:
    """Which pages to notify. For one event loop; nothing here waits."""

    def __init__(self) -> None:
        self._groups: defaultdict[str, set[Page]] = defaultdict(set)

    def join(self, page: Page, groups: Iterable[str]) -> None:
        """Add a page to groups."""
        for group in groups:
            self._groups[group].add(page)

    def leave(self, page: Page, groups: Iterable[str]) -> None:
        """Remove it from them, if it is there."""
        for group in groups:
            self._groups[group].discard(page)
            if not self._groups[group]:
                del self._groups[group]

    def of(self, *groups: str) -> list[Page]:
        """The pages in any of the groups, each once."""
        return list({page: None for group in groups for page in self._groups.get(group, ())})


class Watched:
    """The runs whose pages are open in this process, with the number of pages."""

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()

    def add(self, run_id: UUID) -> None:
        self._counts[run_id] += 1

    def discard(self, run_id: UUID) -> None:
        self._counts[run_id] -= 1
        if self._counts[run_id] <= 0:
            del self._counts[run_id]

    def runs(self) -> list[UUID]:
        """All of them."""
        return list(self._counts)


watched = Watched()
pages = OpenPages()

"""A page that shows less than the database holds is behind, however it came to that."""

from __future__ import annotations

import pytest

from tests.soak.pages import OpenPages, Page, Shown

FIRST, SECOND = "0b2f9c0a-0000-4000-8000-00000000000a", "0b2f9c0a-0000-4000-8000-00000000000b"
DATABASE = {SECOND: Shown("running", 4), FIRST: Shown("succeeded", 7)}
"""Newest first."""


def html(run_id: str, status: str, version: int) -> bytes:
    return f'<p id="run-{run_id}-status" class="x" data-run-status="{status}" data-version="{version}">'.encode()


def page(*, run_id: str = "") -> Page:
    """One that shows what the database holds."""
    found = Page("a page", 0, "", run_id, is_open=True)
    found.take(html(SECOND, "running", 4) + html(FIRST, "succeeded", 7))
    return found


@pytest.mark.parametrize("run_id", ["", FIRST])
def test_a_page_that_shows_what_the_database_holds_is_current(run_id: str) -> None:
    assert page(run_id=run_id).behind(DATABASE) == []


@pytest.mark.parametrize("held", [Shown("succeeded", 8), Shown("failed", 7)], ids=["older", "another status"])
@pytest.mark.parametrize("run_id", ["", FIRST], ids=["list", "page of the run"])
def test_a_page_that_is_behind_is_found(run_id: str, held: Shown) -> None:
    (found,) = page(run_id=run_id).behind(DATABASE | {FIRST: held})

    assert FIRST in found


def test_a_page_that_is_ahead_of_an_earlier_look_is_not_behind() -> None:
    assert page().behind(DATABASE | {FIRST: Shown("running", 6)}) == []


def test_a_page_that_shows_nothing_of_its_run_is_found() -> None:
    assert Page("a page", 0, "", FIRST, is_open=True).behind(DATABASE) != []


def test_a_list_that_misses_a_new_run_is_found() -> None:
    assert page().behind({"a third": Shown("queued", 1), **DATABASE}) != []


def test_a_page_whose_connection_is_down_is_found() -> None:
    pages = OpenPages("")
    pages.pages.append(page())
    assert pages.behind(DATABASE) == []

    pages.pages[0].is_open = False

    assert pages.behind(DATABASE) == ["a page: its line is not open"]


def test_a_page_that_goes_back_in_time_is_found() -> None:
    found = page()

    found.take(html(FIRST, "running", 6))

    assert len(found.steps_back) == 1
    assert found.shows[FIRST] == Shown("succeeded", 7)

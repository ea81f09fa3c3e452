"""Rows as pieces of HTML. The same template serves pages, polling and WebSocket pushes."""

from __future__ import annotations

from collections.abc import Sequence

from django.template.loader import render_to_string

from dashboard.history.selectors import PAGE_ROWS
from dashboard.runs.rows import ListedRun


def run_changes_html(runs: Sequence[ListedRun], *, outside: bool = False, snapshot: bool = False) -> str:
    """Rows for an open runs page to merge; its filters exclude the `outside` ones, which it never inserts.

    A `snapshot` is the whole first page: rows that are missing from it no longer belong on the page.
    """
    is_partial = snapshot and len(runs) >= PAGE_ROWS
    context = {"runs": runs, "outside": outside, "snapshot": snapshot, "is_partial": is_partial}
    return render_to_string("runs/_changes.html", context)

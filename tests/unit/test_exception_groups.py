"""An exception group is shown with all its members."""

from __future__ import annotations

import pytest

from dashboard.worker.outcomes.exception_groups import group_message


def test_every_member_is_named_with_its_type() -> None:
    group = ExceptionGroup(
        "two failed", [ValueError("no, it's"), ExceptionGroup("inside", [KeyError("b"), OSError(2, "x")])]
    )

    assert group_message(repr(group)) == (
        "two failed\n- ValueError: no, it's\n- ExceptionGroup: inside\n-   KeyError: b\n-   FileNotFoundError: 2, 'x'"
    )


@pytest.mark.parametrize(
    "text", ["ValueError('x')", "ExceptionGroup(", "ExceptionGroup('a')", "ExceptionGroup(<x>, [])", ""]
)
def test_anything_else_is_no_group(text: str) -> None:
    assert group_message(text) is None

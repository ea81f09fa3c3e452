"""Steps follow from checkpoints, also where a server has none."""

from __future__ import annotations

import pytest

from dashboard.steps.timeline import steps_of


@pytest.mark.parametrize("ended_as", ["succeeded", "failed", "cancelled", "needs_input"])
def test_a_run_without_checkpoints_has_no_steps(ended_as: str) -> None:
    assert steps_of([], ended_as=ended_as, ended_at=None) == []

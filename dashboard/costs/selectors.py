"""Every read about prices and costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from dashboard.costs.models import ModelPrice
from dashboard.costs.pricing import Cost, cost_of, price_of
from dashboard.runs.models import Run
from dashboard.steps.models import StepLog
from dashboard.steps.selectors import step_log
from dashboard.steps.tokens import UNKNOWN

RECENT: Final = 500


def price_list(team_id: UUID) -> list[ModelPrice]:
    """The team's prices by the names of their models."""
    return list(ModelPrice.objects.filter(team_id=team_id))


def run_cost(run: Run) -> Cost:
    """The tokens and cost of the run's models at today's prices; empty when no message names any tokens."""
    kept: Cost | None = getattr(run, "_cost", None)  # a page shows it twice
    if kept is None:
        log = step_log(run)
        kept = Cost([])
        if log is not None and log.tokens:
            kept = cost_of(log.tokens, price_list(run.team_id), is_partial=log.tokens_are_partial)
        run._cost = kept  # type: ignore[attr-defined]
    return kept


def tokens_cost(team_id: UUID, tokens: Mapping[str, Mapping[str, int]], *, is_partial: bool) -> Cost:
    """The cost of these tokens of the team's runs, at today's prices."""
    return cost_of(tokens, price_list(team_id) if tokens else (), is_partial=is_partial)


def models_without_price(team_id: UUID, prices: list[ModelPrice]) -> list[tuple[str, int]]:
    """The models in the team's last runs that have no price, and how many of these runs used them."""
    logs = StepLog.objects.filter(run__team_id=team_id).exclude(tokens={}).order_by("-run__created_at")
    counted: Counter[str] = Counter()
    for tokens in logs.values_list("tokens", flat=True)[:RECENT]:
        counted.update(model for model in tokens if model != UNKNOWN and price_of(model, prices) is None)
    return counted.most_common(20)

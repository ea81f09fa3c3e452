"""Every write about prices."""

from __future__ import annotations

from decimal import Decimal

from dashboard.costs.models import ModelPrice
from dashboard.teams.models import Team


def price_set(
    *, team: Team, model: str, input: Decimal, output: Decimal, cached: Decimal | None, currency: str
) -> tuple[ModelPrice, bool]:
    """Set or replace the price of a model. Returns it, and whether there was none before."""
    values = {"input": input, "output": output, "cached": cached, "currency": currency}
    return ModelPrice.objects.update_or_create(team=team, model=model, defaults=values)


def price_delete(*, team: Team, price_id: int) -> str:
    """Remove a price. Returns the name of its model; "" when there is no such price."""
    price = ModelPrice.objects.filter(team=team, pk=price_id).first()
    if price is None:
        return ""
    price.delete()
    return price.model

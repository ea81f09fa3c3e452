"""Every write about prices."""

from __future__ import annotations

from decimal import Decimal

from dashboard.costs.models import ModelPrice
from dashboard.teams.models import Team


def price_set(
    *, team: Team, model: str, input: Decimal, output: Decimal, cached: Decimal | None, currency: str
) -> tuple[ModelPrice, bool]:
    """Give a model its price, in place of the one it had. Returns it, and whether it had none."""
    values = {"input": input, "output": output, "cached": cached, "currency": currency}
    return ModelPrice.objects.update_or_create(team=team, model=model, defaults=values)


def price_delete(*, team: Team, price_id: int) -> str:
    """Forget a price. Returns the name of its model; "" when there is no such price."""
    price = ModelPrice.objects.filter(team=team, pk=price_id).first()
    if price is None:
        return ""
    price.delete()
    return price.model

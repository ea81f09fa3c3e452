"""The cost of tokens by model, from a table of prices. A model without a price is named, and its cost never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dashboard.costs.models import ModelPrice
from dashboard.steps.tokens import UNKNOWN

MILLION: Final = Decimal(1_000_000)
UNTIL_WHOLE_CENTS: Final = Decimal("0.1")


@dataclass(frozen=True)
class Line:
    """The tokens of one model. `amount` is None when its price is not known."""

    model: str
    input: int
    output: int
    cached: int
    answers: int
    amount: Decimal | None
    currency: str

    @property
    def money(self) -> str:
        return "" if self.amount is None else money(self.amount, self.currency)


@dataclass(frozen=True)
class Cost:
    """The tokens of models and their cost, each currency by itself: no currency is converted.

    `is_partial`: not all messages could be read, so the real cost is higher.
    """

    lines: list[Line]
    is_partial: bool = False

    def __bool__(self) -> bool:
        return bool(self.lines)

    @property
    def totals(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for line in self.lines:
            if line.amount is not None:
                found[line.currency] = found.get(line.currency, Decimal(0)) + line.amount
        return found

    @property
    def unpriced(self) -> list[str]:
        """The models whose price is not known."""
        return [line.model for line in self.lines if line.amount is None]

    @property
    def words(self) -> str:
        """As people read it: "0.0123 USD", "at least 1.20 EUR and 3.00 USD"; "" when no price is known."""
        amounts = " and ".join(money(amount, currency) for currency, amount in sorted(self.totals.items()))
        return f"at least {amounts}" if amounts and (self.unpriced or self.is_partial) else amounts

    @property
    def input(self) -> int:
        return sum(line.input for line in self.lines)

    @property
    def output(self) -> int:
        return sum(line.output for line in self.lines)


def cost_of(tokens: Mapping[str, Mapping[str, int]], prices: Iterable[ModelPrice], *, is_partial: bool = False) -> Cost:
    """The cost of these tokens. `tokens` is by model, as in `StepLog.tokens`."""
    table = list(prices)
    return Cost([_line(model, used, price_of(model, table)) for model, used in tokens.items()], is_partial)


def price_of(model: str, prices: Iterable[ModelPrice]) -> ModelPrice | None:
    """The price of a model: the one with its name, else with the longest matching beginning."""
    if model == UNKNOWN:
        return None
    fits = [one for one in prices if (model.startswith(one.model[:-1]) if one.is_pattern else model == one.model)]
    return max(fits, key=lambda one: (not one.is_pattern, len(one.model)), default=None)


def _line(model: str, used: Mapping[str, Any], price: ModelPrice | None) -> Line:
    read, written, cached = (int(used.get(name) or 0) for name in ("input", "output", "cached"))
    amount, currency = None, ""
    if price is not None:
        cached_price = price.input if price.cached is None else price.cached
        fresh = max(0, read - cached)
        amount = (fresh * price.input + min(cached, read) * cached_price + written * price.output) / MILLION
        currency = price.currency
    return Line(model, read, written, cached, int(used.get("answers") or 0), amount, currency)


def money(amount: Decimal, currency: str) -> str:
    """An amount for people: cents, or two significant digits below ten cents."""
    if not amount or amount >= UNTIL_WHOLE_CENTS:
        return f"{amount:,.2f} {currency}"
    digits = min(8, 1 - amount.adjusted())
    return f"{amount:.{digits}f} {currency}"

"""What tokens cost: by the price that fits best, each currency by itself, and nothing where no price is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.costs.models import ModelPrice
from dashboard.costs.pricing import cost_of, money, price_of


def price(model: str, *, cached: str | None = None, currency: str = "USD") -> ModelPrice:
    return ModelPrice(
        model=model,
        input=Decimal("2"),
        output=Decimal("10"),
        cached=Decimal(cached) if cached else None,
        currency=currency,
    )


def test_the_name_wins_over_beginnings_and_the_longest_of_these() -> None:
    table = [price("gpt-*"), price("gpt-4o*"), price("gpt-4o")]

    found = [price_of(model, table) for model in ("gpt-4o", "gpt-4o-mini", "gpt-5", "claude")]

    assert [one and one.model for one in found] == ["gpt-4o", "gpt-4o*", "gpt-*", None]


def test_a_model_that_no_answer_names_has_no_price_whatever_the_table_says() -> None:
    assert price_of("unknown model", [price("*")]) is None


def test_currencies_are_not_mixed_and_what_has_no_price_is_named() -> None:
    used = {"input": 1_000_000, "output": 100_000, "answers": 1}
    cost = cost_of({"a": used, "b": used, "c": used}, [price("a"), price("b", currency="EUR")])

    assert cost.totals == {"USD": Decimal(3), "EUR": Decimal(3)}
    assert cost.unpriced == ["c"]
    assert cost.words == "at least 3.00 EUR and 3.00 USD"


def test_cached_input_has_its_own_price_where_there_is_one() -> None:
    used = {"m": {"input": 1_000_000, "output": 0, "cached": 400_000, "answers": 1}}

    assert cost_of(used, [price("m", cached="0.5")]).totals == {"USD": Decimal("1.4")}
    assert cost_of(used, [price("m")]).totals == {"USD": Decimal("2")}


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "0.00 USD"), ("1234.5", "1,234.50 USD"), ("0.0123456", "0.012 USD"), ("0.00000123", "0.0000012 USD")],
)
def test_small_amounts_keep_two_significant_digits(amount: str, words: str) -> None:
    assert money(Decimal(amount), "USD") == words

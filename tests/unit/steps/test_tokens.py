"""Tokens are counted by model, and each message once."""

from __future__ import annotations

import json
from typing import Any

from dashboard.steps.tokens import MODELS, tokens_of


def message(identity: str | None, *, used: Any, model: str | None = "small-1") -> dict[str, Any]:
    return {"id": identity, "usage_metadata": used, "response_metadata": {"model_name": model} if model else {}}


def test_a_message_that_several_steps_hand_on_counts_once() -> None:
    one = message("a", used={"input_tokens": 10, "output_tokens": 3, "total_tokens": 13})
    two = message("b", used={"input_tokens": 1, "output_tokens": 2}, model=None)
    writes = [json.dumps({"messages": [one]}), json.dumps({"deep": {"messages": [one, two]}}), "[", '{"a": 1}']

    assert tokens_of([*(text.encode() for text in writes), None]) == {
        "small-1": {"input": 10, "output": 3, "answers": 1},
        "unknown model": {"input": 1, "output": 2, "answers": 1},
    }


def test_odd_usage_counts_nothing_and_models_are_bounded() -> None:
    odd = [message(None, used={"input_tokens": value, "output_tokens": True}) for value in (-1, "7", None, 1.5)]
    many = [message(str(n), used={"input_tokens": 1, "output_tokens": 0}, model=f"m{n}") for n in range(2 * MODELS)]
    found = tokens_of([json.dumps([odd, many]).encode()])

    assert found["small-1"] == {"input": 0, "output": 0, "answers": 4}
    assert len(found) <= MODELS + 1
    assert sum(counted["input"] for counted in found.values()) == 2 * MODELS

"""The body of `POST .../runs/wait`, key for key as the SDK writes it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from dashboard.langgraph.types import (
    All,
    Checkpoint,
    Command,
    Config,
    Context,
    DisconnectMode,
    Durability,
    IfNotExists,
    Input,
    LangSmithTracing,
    MultitaskStrategy,
    OnCompletionBehavior,
)


class RunOptions(TypedDict, total=False):
    """What a run can be given, under the SDK's names; None is the same as leaving it out."""

    input: Input | None
    command: Command | None
    metadata: Mapping[str, Any] | None
    config: Config | None
    context: Context | None
    checkpoint: Checkpoint | None
    checkpoint_id: str | None
    checkpoint_during: bool | None
    interrupt_before: All | Sequence[str] | None
    interrupt_after: All | Sequence[str] | None
    webhook: str | None
    on_disconnect: DisconnectMode | None
    on_completion: OnCompletionBehavior | None
    multitask_strategy: MultitaskStrategy | None
    if_not_exists: IfNotExists | None
    after_seconds: int | None
    langsmith_tracing: LangSmithTracing | None
    durability: Durability | None
    strict_resume: bool | None


def run_payload(assistant_id: str, **options: Unpack[RunOptions]) -> dict[str, Any]:
    """The JSON object to send: None is left out (an explicit null is a 422), `{}`, False, 0 and [] are kept.

    Inside `command` None is left out too, and an empty `command` is no command. The order of the keys is the SDK's, so
    the bytes are the same.
    """
    command = options.get("command")
    body: dict[str, Any] = {
        "input": options.get("input"),
        "command": {key: value for key, value in command.items() if value is not None} if command else None,
        "config": options.get("config"),
        "context": options.get("context"),
        "metadata": options.get("metadata"),
        "assistant_id": assistant_id,
        "interrupt_before": options.get("interrupt_before"),
        "interrupt_after": options.get("interrupt_after"),
        "webhook": options.get("webhook"),
        "checkpoint": options.get("checkpoint"),
        "checkpoint_id": options.get("checkpoint_id"),
        "multitask_strategy": options.get("multitask_strategy"),
        "checkpoint_during": options.get("checkpoint_during"),
        "if_not_exists": options.get("if_not_exists"),
        "on_disconnect": options.get("on_disconnect"),
        "on_completion": options.get("on_completion"),
        "after_seconds": options.get("after_seconds"),
        "durability": options.get("durability"),
        "strict_resume": options.get("strict_resume"),
        "langsmith_tracer": options.get("langsmith_tracing"),
    }
    return {key: value for key, value in body.items() if value is not None}


def warn_of_checkpoint_during(checkpoint_during: bool | None) -> None:
    """Warn at our caller's caller when the deprecated parameter is given."""
    if checkpoint_during is not None:
        warnings.warn(
            "`checkpoint_during` is deprecated: use durability='async' for True, durability='sync' for False.",
            DeprecationWarning,
            stacklevel=3,
        )

"""The body of `POST .../runs/wait`, key for key as the SDK writes it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

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


def run_payload(
    assistant_id: str,
    *,
    input: Input | None,
    command: Command | None,
    metadata: Mapping[str, Any] | None,
    config: Config | None,
    context: Context | None,
    checkpoint: Checkpoint | None,
    checkpoint_id: str | None,
    checkpoint_during: bool | None,
    interrupt_before: All | Sequence[str] | None,
    interrupt_after: All | Sequence[str] | None,
    webhook: str | None,
    on_disconnect: DisconnectMode | None,
    on_completion: OnCompletionBehavior | None,
    multitask_strategy: MultitaskStrategy | None,
    if_not_exists: IfNotExists | None,
    after_seconds: int | None,
    langsmith_tracing: LangSmithTracing | None,
    durability: Durability | None,
    strict_resume: bool | None,
) -> dict[str, Any]:
    """The JSON object to send: None is left out (an explicit null is a 422), `{}`, False, 0 and [] are kept.

    Inside `command` None is left out too, and an empty `command` is no command. The order of the keys is the SDK's, so
    the bytes are the same.
    """
    body: dict[str, Any] = {
        "input": input,
        "command": {key: value for key, value in command.items() if value is not None} if command else None,
        "config": config,
        "context": context,
        "metadata": metadata,
        "assistant_id": assistant_id,
        "interrupt_before": interrupt_before,
        "interrupt_after": interrupt_after,
        "webhook": webhook,
        "checkpoint": checkpoint,
        "checkpoint_id": checkpoint_id,
        "multitask_strategy": multitask_strategy,
        "checkpoint_during": checkpoint_during,
        "if_not_exists": if_not_exists,
        "on_disconnect": on_disconnect,
        "on_completion": on_completion,
        "after_seconds": after_seconds,
        "durability": durability,
        "strict_resume": strict_resume,
        "langsmith_tracer": langsmith_tracing,
    }
    return {key: value for key, value in body.items() if value is not None}


def warn_of_checkpoint_during(checkpoint_during: bool | None) -> None:
    """Warn where the caller of our caller stands, when the deprecated parameter is given."""
    if checkpoint_during is not None:
        warnings.warn(
            "`checkpoint_during` is deprecated: use durability='async' for True, durability='sync' for False.",
            DeprecationWarning,
            stacklevel=3,
        )

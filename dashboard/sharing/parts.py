"""The parts of a run that a link can show. The panel offers them, and the page shows them, from this one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Part:
    """A part of a run.

    Attributes:
        name: As in the contract.
        promise: What readers of the link will see, for its maker.
        template: What shows it; two parts may share one.
    """

    name: str
    label: str
    promise: str
    template: str = ""
    is_always: bool = False


PARTS: Final = (
    Part("status", "Name and status", "Its name, its status, and since when.", is_always=True),
    Part(
        "result",
        "Result",
        "Every key of the final state except the conversation, and the error if it failed.",
        "sharing/_state.html",
    ),
    Part("messages", "Conversation", "The messages of the final state.", "sharing/_state.html"),
    Part(
        "steps",
        "Steps",
        "Each step with its times and status; what it wrote only if the result is shown too.",
        "sharing/_steps.html",
    ),
    Part("input", "Input", "What the run was given.", "sharing/_input.html"),
    Part(
        "parameters",
        "Parameters",
        "The other settings of the launch, but no headers.",
        "sharing/_parameters.html",
    ),
)
ALWAYS: Final = tuple(part.name for part in PARTS if part.is_always)
CHOICES: Final = tuple((part.name, part.label) for part in PARTS if not part.is_always)


def parts_shown(show: Iterable[str]) -> list[Part]:
    """The parts a link shows, in the order of the page."""
    wanted = {*ALWAYS, *show}
    return [part for part in PARTS if part.name in wanted]


def templates_shown(show: Iterable[str]) -> list[str]:
    """The templates of the shown parts, each once."""
    return list(dict.fromkeys(part.template for part in parts_shown(show) if part.template))

"""The table of ends: what is launched, what is done to it, the expected outcome, and what the page says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dashboard.runs.models import Run

QUICK = json.dumps({"topic": "Tides", "seconds": 0, "sections": 1})
# It plans for 3 s and then writes for 9 s: whatever stops it does so between the two.
SLOW = json.dumps({"topic": "Tides", "seconds": 15, "sections": 3})

# What the graphs have written when they come so far.
PLANNED = {"title": "A short report on Tides"}
SECTION = {
    "heading": "1. What it is",
    "text": "To understand Tides, look closely at one example before you look at many.",
}
WRITTEN = PLANNED | {"sections_written": [SECTION]}
REMARKS = ["1 sections, 13 words.", "Every heading of the plan was written."]
REVIEWED = WRITTEN | {
    "remarks": REMARKS,
    "report": "\n\n".join(
        (
            f"# {PLANNED['title']}",
            f"## {SECTION['heading']}",
            SECTION["text"],
            "---",
            "\n".join(f"- {r}" for r in REMARKS),
        )
    ),
}


def finished(run: Run) -> None:
    assert run.ending == {}


def asks_both(run: Run) -> None:
    asked = run.ending["interrupts"]
    assert {question["value"]["reviewer"] for question in asked} == {"legal", "finance"}
    assert len({question["id"] for question in asked}) == 2
    assert {question["response_schema"]["title"] for question in asked} == {"Opinion"}


def waits_at(node: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        assert run.ending["next"] == [node]

    return check


def failed_with(kind: str, message: str, node: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        assert (run.error_type, run.error_node) == (kind, node)
        assert message in run.error_message

    return check


def stopped(*, here: bool, undone: bool) -> Callable[[Run], None]:
    """The page says who stopped it, and whether the server forgot its work."""

    def check(run: Run) -> None:
        assert bool(run.ending.get("note")) is not here, run.ending
        assert bool(run.ending.get("rolled_back")) is undone, run.ending

    return check


def cut_off(run: Run) -> None:
    assert run.ending == {}


def never_began(run: Run) -> None:
    assert run.ending == {"no_state": True}


@dataclass(frozen=True)
class Says:
    """What the page says: a title, a telling part of the sentence below it, and what it offers to do next.

    `alone` stands in the sentence's place where the thread is not kept; nothing is offered there. What offers a `step`
    is a form in the banner's place, as long as nobody else came to the thread.
    """

    title: str
    text: str
    alone: str = ""
    step: str = ""


@dataclass(frozen=True)
class End:
    """A row of the table: what is launched, what is done to it once it is at work, and how it has to end.

    `values` are those the graph had written, all of which are kept on our side; None where there is no final state.
    """

    name: str
    fields: dict[str, str]
    status: str
    check_ending: Callable[[Run], None]
    values: dict[str, Any] | None
    says: Says | None
    act: str = ""


REPORT = {"assistant_id": "report", "input": QUICK}
WORKING = {"assistant_id": "report", "input": SLOW}
REFUSED = "Input should be a valid string"
LIMIT = '{"recursion_limit": 1}'
GOES_ON = "Its work until then is kept. A new run on its thread continues from there."
LEFT_NOTHING = "it left nothing on the server, because it ran without a thread."
UNDONE = "The server undid its work."
BY_US = "Cancelled by {person}."
BY_OTHERS = "Stopped on the server: cancelled there, or replaced by another run."
CANNOT_CONTINUE = "It ran without a thread, so it cannot be continued."
ENDS = (
    End("finished", REPORT, "succeeded", finished, REVIEWED, None),
    End(
        "asks",
        {"assistant_id": "panel", "input": '{"proposal": "a harbour"}'},
        "needs_input",
        asks_both,
        {"proposal": "a harbour", "opinions": []},
        Says(
            "The assistant asks 2 questions",
            "",
            "It ran without a thread, so nobody can answer. Launch it on a thread instead.",
            step="Send answers",
        ),
    ),
    End(
        "before a node",
        REPORT | {"interrupt_before": "review"},
        "paused",
        waits_at("review"),
        WRITTEN,
        Says("Paused at a breakpoint; next is review", "", CANNOT_CONTINUE, step="Continue"),
    ),
    End(
        "after a node",
        REPORT | {"interrupt_after": "plan"},
        "paused",
        waits_at("write"),
        PLANNED,
        Says("Paused at a breakpoint; next is write", "", CANNOT_CONTINUE, step="Continue"),
    ),
    End(
        "raised",
        {"assistant_id": "faulty", "input": '{"kind": "custom"}'},
        "failed",
        failed_with("SensorOffline", "Sensor 7 has not answered since noon", "explode"),
        None,
        Says("SensorOffline in node explode", "Fix the graph or change the input, then launch again."),
    ),
    End(
        "input refused",
        {"assistant_id": "report", "input": '{"topic": 3}'},
        "failed",
        failed_with("ValidationError", REFUSED, ""),
        None,
        Says("ValidationError", "Change the input"),
    ),
    End(
        "too many steps",
        REPORT | {"config": LIMIT},
        "failed",
        failed_with("GraphRecursionError", "limit of 1", ""),
        None,
        Says("GraphRecursionError", "Launch again with a higher recursion_limit in config."),
    ),
    End(
        "cancelled here",
        WORKING,
        "cancelled",
        stopped(here=True, undone=False),
        PLANNED,
        Says(BY_US, GOES_ON, LEFT_NOTHING),
        act="interrupt",
    ),
    End(
        "rolled back here",
        WORKING,
        "cancelled",
        stopped(here=True, undone=True),
        PLANNED,
        Says(BY_US, UNDONE),
        act="rollback",
    ),
    End(
        "cancelled there",
        WORKING,
        "cancelled",
        stopped(here=False, undone=False),
        PLANNED,
        Says(BY_OTHERS, GOES_ON, LEFT_NOTHING),
        act="there",
    ),
    End(
        "pushed out",
        WORKING,
        "cancelled",
        stopped(here=False, undone=False),
        PLANNED,
        Says(BY_OTHERS, GOES_ON, LEFT_NOTHING),
        act="pushed by interrupt",
    ),
    End(
        "pushed out and undone",
        WORKING,
        "cancelled",
        stopped(here=False, undone=True),
        PLANNED,
        Says("Rolled back on the server, by another run or by somebody there.", UNDONE),
        act="pushed by rollback",
    ),
    End(
        "cancelled while queued",
        REPORT | {"after_seconds": "50"},
        "cancelled",
        never_began,
        None,
        Says(BY_US, "It left nothing on its thread: there is nothing to undo or continue."),
        act="interrupt",
    ),
    End(
        "time limit",
        WORKING,
        "timed_out",
        cut_off,
        PLANNED,
        Says("The server's own time limit ended it.", "Launch again, or have the time limit of"),
    ),
)


@dataclass(frozen=True)
class OnThread:
    """Where the runs go, whether another of the same graph is enqueued behind each as soon as it exists, and whether
    the thread is still there at the end."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    is_followed: bool = False
    is_kept: bool = True


THREADS = (
    OnThread("own thread"),
    OnThread("stateless, kept", {"thread": "stateless", "on_completion": "keep"}),
    OnThread("stateless, deleted", {"thread": "stateless", "on_completion": "delete"}, is_kept=False),
    OnThread("existing thread, followed at once", {"thread": "existing"}, is_followed=True),
)


FOLLOWERS: dict[str, Any] = {
    "report": {"topic": "Follower", "seconds": 0},
    "panel": {"proposal": "another harbour"},
    "faulty": {"kind": "value"},
    "chat": {"messages": [{"role": "user", "content": "hello"}]},
}

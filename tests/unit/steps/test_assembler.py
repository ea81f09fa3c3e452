"""Events become steps and words while a run goes on; whatever a server sends, what is kept is bounded."""

from __future__ import annotations

import json
from typing import Any

from dashboard.langgraph import StreamEvent
from dashboard.steps.assembler import STEPS, TEXT_CHARS, TEXTS, Assembler

SURELY = {"__start__": ["plan"], "plan": ["tides", "winds"], "tides": ["measure"], "winds": ["measure"]}


def take(assembler: Assembler, name: str, value: Any, *, at: int, namespace: str = "") -> None:
    event = StreamEvent(f"{1795705199000 + at}-0", name, namespace, json.dumps(value).encode())
    assembler.take(event, value)


def chunk(text: str, *, message: str = "m", node: str = "draft") -> list[Any]:
    return [{"type": "AIMessageChunk", "id": message, "content": text}, {"langgraph_node": node}]


def brief(assembler: Assembler) -> list[tuple[str, str]]:
    return [("/".join(step.place), step.status) for step in assembler.steps]


def test_steps_begin_where_the_graph_leaves_no_choice() -> None:
    assembler = Assembler(SURELY)
    take(assembler, "metadata", {"attempt": 1}, at=0)
    assert brief(assembler) == [("plan", "running")]

    take(assembler, "updates", {"plan": {"route": []}}, at=100)
    assert brief(assembler)[1:] == [("tides", "running"), ("winds", "running")]

    take(assembler, "updates", {"tides": {}}, at=200)
    assert brief(assembler)[1:] == [("tides", "done"), ("winds", "running")]
    take(assembler, "updates", {"winds": {}}, at=300)

    assert brief(assembler)[1:] == [("tides", "done"), ("winds", "done"), ("measure", "running")]
    assert [step.started_at for step in assembler.steps[1:3]] == [assembler.steps[0].finished_at] * 2


def test_a_node_that_waits_for_another_is_not_said_to_run() -> None:
    assembler = Assembler({"__start__": ["a", "b"], "a": ["d"], "b": ["c"], "c": ["d"]})
    take(assembler, "metadata", {}, at=0)
    take(assembler, "updates", {"a": {}}, at=10)
    take(assembler, "updates", {"b": {}}, at=20)

    assert brief(assembler) == [("a", "done"), ("b", "done"), ("c", "running")]


def test_steps_inside_a_subgraph_follow_the_step_around_them() -> None:
    assembler = Assembler()
    take(assembler, "metadata", {}, at=0)
    take(assembler, "updates", {"sample": [1]}, at=100, namespace="measure:e6ff")
    take(assembler, "updates", {"check": None}, at=200, namespace="measure:e6ff")
    take(assembler, "updates", {"measure": {"samples": [1]}}, at=210)

    assert brief(assembler) == [("measure", "done"), ("measure/sample", "done"), ("measure/check", "done")]


def test_words_grow_and_are_cut_at_the_front() -> None:
    assembler = Assembler()
    take(assembler, "metadata", {}, at=0)
    for number in range(4000):
        take(assembler, "messages", chunk(f"word{number} "), at=number)

    (entry,) = assembler.entries
    assert entry["text"].endswith("word3999 ")
    assert entry["text"].startswith("word")
    assert len(entry["text"]) <= TEXT_CHARS
    assert entry["cut"] + len(entry["text"]) == sum(len(f"word{number} ") for number in range(4000))
    assert brief(assembler) == [("draft", "running")]


def test_what_is_kept_is_bounded() -> None:
    assembler = Assembler()
    for number in range(STEPS + 50):
        take(assembler, "updates", {f"node{number}": {"x": "y" * 100_000 if number < 2 else ""}}, at=number)
        take(assembler, "messages", chunk("word ", message=str(number)), at=number)

    assert len(assembler.steps) == STEPS
    assert assembler.steps[0].writes is None
    assert assembler.steps[0].writes_bytes > 100_000
    assert len(assembler.entries) == TEXTS


def test_only_what_has_changed_is_written_again() -> None:
    assembler = Assembler()
    take(assembler, "updates", {"one": {}}, at=1)
    assert assembler.take_changes() == (0, assembler.steps)
    take(assembler, "updates", {"two": {}}, at=2)

    assert assembler.take_changes() == (1, assembler.steps[1:])
    assert assembler.take_changes() is None


def test_odd_events_do_no_harm() -> None:
    assembler = Assembler(SURELY)
    odd: list[Any] = [
        None,
        7,
        "x",
        [],
        [None, None],
        {"a": None},
        [{"type": "ai", "content": 3}, {"langgraph_node": 4}],
    ]
    for name in ("updates", "messages", "metadata", "error", "values", ""):
        for value in odd:
            take(assembler, name, value, at=1, namespace="|:|")

    assert len(assembler.steps) < 10

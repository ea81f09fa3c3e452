"""The sample graphs by themselves: described, bounded, with an example that works as it stands."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from dashboard.local import sample_server

GRAPHS = Path(sample_server.__file__).with_name("graphs")
NAMES = ("chat", "report", "approval", "panel", "faulty", "writer", "survey", "bulk")
ASKING = ("mail", "questions", "refunds", "refunds_per_call")
"""Graphs that stop and ask: `tests/contract/test_real_answers.py` answers each on a real server."""


def load(name: str) -> Any:
    """The graph `name` with a memory of its own, loaded as the server loads it: from its file, in no package."""
    spec = importlib.util.spec_from_file_location(f"sample_graph_{name}", GRAPHS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    graph = module.graph
    graph.checkpointer = InMemorySaver()
    return graph


def thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


def example(graph: Any) -> dict[str, Any]:
    found: dict[str, Any] = graph.get_input_jsonschema()["examples"][0]
    return found


def test_the_server_gets_each_with_a_description() -> None:
    document = json.loads((GRAPHS / "langgraph.json").read_text())

    assert set(document["graphs"]) == {*NAMES, *ASKING}
    assert all(graph["description"].endswith(".") for graph in document["graphs"].values())


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_the_input_is_described_and_bounded(name: str) -> None:
    schema = load(name).get_input_jsonschema()

    assert schema["description"]
    assert schema["examples"]
    for field, part in schema["properties"].items():
        assert part["description"], field
        if part.get("type") in {"number", "integer"}:
            assert {"minimum", "maximum"} <= part.keys(), field
        if part.get("type") == "string":
            assert part.keys() & {"enum", "maxLength"}, field


async def test_chat_says_back_what_it_was_given() -> None:
    graph = load("chat")

    state = await graph.ainvoke(example(graph), thread("a"))
    loud = await graph.ainvoke(example(graph), thread("b"), context={"tone": "shout"})

    assert state["messages"][-1].content == "You said: Hello, is anybody there?"
    assert loud["messages"][-1].content == "YOU SAID: HELLO, IS ANYBODY THERE?"


async def test_report_takes_its_time_and_writes_markdown() -> None:
    graph = load("report")
    begin = time.monotonic()

    state = await graph.ainvoke({"topic": "Tides", "seconds": 0.5, "sections": 9}, thread("a"))

    assert 0.45 < time.monotonic() - begin < 5
    assert state["report"].startswith("# A short report on Tides\n")
    assert state["report"].count("\n## ") == len(state["sections_written"]) == 9


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ({"decision": "approve", "comment": "Go ahead"}, "approved"),
        ({"decision": "reject"}, "rejected"),
        ("yes", "approved"),
        (True, "approved"),
        ("certainly not", "rejected"),
    ],
)
async def test_approval_asks_and_records_the_answer(answer: Any, decision: str) -> None:
    graph = load("approval")

    asked = await graph.ainvoke(example(graph), thread("a"))
    question = asked["__interrupt__"][0]
    state = await graph.ainvoke(Command(resume=answer), thread("a"))

    assert "180.00 euros" in question.value["question"]
    assert question.response_schema["required"] == ["decision"]
    assert state["decision"] == decision
    assert decision in state["record"]


async def test_panel_asks_two_at_once() -> None:
    graph = load("panel")

    asked = await graph.ainvoke(example(graph), thread("a"))
    answers = {question.id: question.value["reviewer"] + " agrees" for question in asked["__interrupt__"]}
    state = await graph.ainvoke(Command(resume=answers), thread("a"))

    assert len(answers) == 2
    assert "legal agrees" in state["result"]
    assert "finance agrees" in state["result"]


@pytest.mark.parametrize(("kind", "error"), [("value", "ValueError"), ("key", "KeyError"), ("custom", "SensorOffline")])
async def test_faulty_raises_what_it_was_asked_for(kind: str, error: str) -> None:
    graph = load("faulty")

    with pytest.raises(Exception, match=r".") as raised:
        await graph.ainvoke({"kind": kind}, thread("a"))

    assert type(raised.value).__name__ == error


async def test_writer_streams_its_words() -> None:
    graph = load("writer")
    words: list[str] = []

    async for message, about in graph.astream(
        {"topic": "Tides", "words_per_second": 1000}, thread("a"), stream_mode="messages"
    ):
        if about["langgraph_node"] == "draft" and message.type == "AIMessageChunk" and message.content:
            words.append(message.content)
    state = (await graph.aget_state(thread("a"))).values

    assert len(words) > 50
    assert state["messages"][-2].content == "".join(words)
    assert state["messages"][-2].usage_metadata["output_tokens"] == len(words)


async def test_survey_takes_twelve_steps() -> None:
    graph = load("survey")
    nodes: list[str] = []

    async for _, update in graph.astream(
        {"place": "The old harbour", "seconds": 0}, thread("a"), stream_mode="updates", subgraphs=True
    ):
        nodes += update

    assert len(nodes) == 12
    assert [nodes.count(node) for node in ("measure", "sample", "judge", "summarize")] == [2, 2, 2, 1]


@pytest.mark.parametrize("megabytes", [0.1, 1, 8])
async def test_bulk_is_about_as_large_as_asked(megabytes: float) -> None:
    state = await load("bulk").ainvoke({"megabytes": megabytes}, thread("a"))

    assert len(json.dumps(state)) == pytest.approx(megabytes * 1_000_000, rel=0.05)

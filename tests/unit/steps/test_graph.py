"""Graphs are laid out so that they can be read: nothing overlaps, everything leads forward, loops are turned."""

from __future__ import annotations

import json
import random

import pytest

from dashboard.steps.graph import graph_of
from dashboard.steps.graph_layout import Drawing, GraphEdge, drawing_of

SURVEY = {
    "nodes": [{"id": name} for name in ("__start__", "plan", "tides", "winds", "judge", "__end__", "m:in", "m:out")],
    "edges": [
        {"source": "__start__", "target": "plan"},
        {"source": "plan", "target": "tides"},
        {"source": "plan", "target": "winds"},
        {"source": "tides", "target": "m:in"},
        {"source": "winds", "target": "m:in"},
        {"source": "m:in", "target": "m:out"},
        {"source": "m:out", "target": "judge"},
        {"source": "judge", "target": "m:in", "conditional": True},
        {"source": "judge", "target": "__end__", "conditional": True},
    ],
}


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    nodes = drawing.nodes
    return [
        (one.name, other.name)
        for index, one in enumerate(nodes)
        for other in nodes[index + 1 :]
        if one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    ]


def some_graph(size: int) -> tuple[dict[str, int], list[GraphEdge]]:
    dice = random.Random(size)
    names = ["__start__", *(f"node_{number}" for number in range(size - 2)), "__end__"]
    edges = {
        (names[max(0, at - 1 - int(dice.expovariate(0.6)))], names[at]) for at in range(1, size) for _ in range(2)
    } | {(names[size // 2], names[size // 3])}
    return dict.fromkeys(names, 0), [GraphEdge(*edge) for edge in sorted(edges)]


@pytest.mark.parametrize("size", [3, 8, 60, 200])
def test_no_node_stands_on_another_or_outside(size: int) -> None:
    drawing = drawing_of(*some_graph(size))

    assert overlapping(drawing) == []
    assert len(drawing.nodes) == size
    assert all(node.x >= 0 and node.x + node.width <= drawing.width for node in drawing.nodes)
    assert all(node.y >= 0 and node.y + node.height <= drawing.height for node in drawing.nodes)


def test_subgraphs_are_folded_and_a_loop_leads_back() -> None:
    graph = graph_of(json.dumps(SURVEY))
    assert graph is not None
    drawing = drawing_of(graph.nodes, graph.edges)

    assert {node.name: node.inside for node in drawing.nodes if node.inside} == {"m": 2}
    assert [(edge.source, edge.target) for edge in drawing.edges if edge.is_back] == [("judge", "m")]
    left = {node.name: node.x for node in drawing.nodes}
    assert left["plan"] < left["tides"] == left["winds"] < left["m"] < left["judge"] < left["__end__"]


def test_what_surely_follows_has_no_conditions() -> None:
    graph = graph_of(json.dumps(SURVEY))
    assert graph is not None

    assert graph.surely == {
        "__start__": ["plan"],
        "plan": ["tides", "winds"],
        "tides": ["m"],
        "winds": ["m"],
        "m": ["judge"],
    }


@pytest.mark.parametrize(
    "text", ["", "null", "{}", '{"nodes": 3, "edges": []}', "[" * 100_000, '{"nodes": [], "edges": []}']
)
def test_what_is_no_graph_is_not_drawn(text: str) -> None:
    assert graph_of(text) is None

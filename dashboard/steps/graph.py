"""A graph to draw: subgraphs folded into one node, which node surely follows which, and a run's progress."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from dashboard.runs.models import Run
from dashboard.servers.selectors import assistant_graph_text
from dashboard.steps.graph_layout import Drawing, GraphEdge, drawing_of
from dashboard.steps.models import Step

START: Final = "__start__"
END: Final = "__end__"
NODES_MIN: Final = 3
"""The fewest nodes: a start and an end around one node are not worth a drawing."""
NODES_MAX: Final = 200
_RANK: Final = {"done": 0, "waiting": 1, "failed": 2, "running": 3}
"""If a node ran several times, the most urgent status is shown."""


@dataclass(frozen=True)
class Graph:
    """Nodes in the server's order with how many are folded into each, and the edges between them."""

    nodes: Mapping[str, int]
    edges: tuple[GraphEdge, ...]

    @property
    def surely(self) -> dict[str, list[str]]:
        """For each node the nodes that follow it without a condition; a node with a condition has no entry."""
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            if edge.target != END:
                found.setdefault(edge.source, []).append(edge.target)
        unsure = {edge.source for edge in self.edges if edge.is_conditional}
        return {node: after for node, after in found.items() if node not in unsure}


@dataclass(frozen=True)
class NodeState:
    """The status of a node in a run: "" before it has run."""

    status: str = ""
    times: int = 0


@dataclass(frozen=True)
class DrawnGraph:
    """The drawing, and the status of each node."""

    drawing: Drawing
    states: Mapping[str, NodeState] = field(default_factory=dict)


@lru_cache(maxsize=256)
def graph_of(text: str) -> Graph | None:
    """The graph in the answer of `GET /assistants/{id}/graph?xray=true`; None when there is none to draw."""
    try:
        document = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("nodes"), list)
        or not isinstance(document.get("edges"), list)
    ):
        return None
    nodes: dict[str, int] = {}
    for node in document["nodes"]:
        if isinstance(node, dict) and node.get("id") is not None:
            name, is_inside = _folded(str(node["id"]))
            nodes[name] = nodes.get(name, 0) + is_inside
    edges: dict[tuple[str, str], GraphEdge] = {}
    for edge in document["edges"]:
        if isinstance(edge, dict):
            source, target = _folded(str(edge.get("source")))[0], _folded(str(edge.get("target")))[0]
            is_loop_inside = source == target and ":" in str(edge.get("source"))
            if source in nodes and target in nodes and not is_loop_inside:
                edges[(source, target)] = GraphEdge(source, target, bool(edge.get("conditional")))
    if not nodes or len(nodes) > NODES_MAX:
        return None
    return Graph(nodes, tuple(edges.values()))


@lru_cache(maxsize=256)
def _drawing(text: str) -> Drawing | None:
    graph = graph_of(text)
    return drawing_of(graph.nodes, graph.edges) if graph else None


def graph_text(run: Run) -> str:
    """The graph of the run's assistant, as last known; "" when it is not known."""
    return assistant_graph_text(run.server_id, run.assistant_id)


def plain_graph(text: str) -> DrawnGraph | None:
    """A graph without a run; None when it is not known, or has hardly any nodes."""
    drawing = _drawing(text)
    return DrawnGraph(drawing) if drawing is not None and len(drawing.nodes) >= NODES_MIN else None


def drawn_graph(run: Run, steps: Iterable[Step]) -> DrawnGraph | None:
    """The run's graph with its progress; None when its server gave none."""
    plain = plain_graph(graph_text(run))
    if plain is None:
        return None
    states: dict[str, NodeState] = {}
    for step in steps:
        if step.path:
            continue
        was = states.get(step.node, NodeState())
        is_worse = not was.status or _RANK[step.status] >= _RANK[was.status]
        states[step.node] = NodeState(step.status if is_worse else was.status, was.times + 1)
    return replace(plain, states=states)


def surely_follows_in(run_id: UUID) -> dict[str, list[str]]:
    """For each node of the run's graph the nodes that surely follow it; {} when the graph is not known."""
    run = Run.objects.select_related("server").filter(pk=run_id).first()
    graph = graph_of(graph_text(run)) if run else None
    return graph.surely if graph else {}


def _folded(name: Any) -> tuple[str, int]:
    """The node at the top that this one belongs to, and 1 when it is inside of it."""
    top, colon, _ = str(name).partition(":")
    return top, int(bool(colon))

"""A layered layout: loops are reversed, nodes are in layers, long edges pass between them, crossings are reduced.

The classical way (Sugiyama) in its simplest form. Short graphs run from left to right, long ones from top to bottom.
Everything is in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

HEIGHT: Final = 32
CHAR: Final = 7.0
PADDING: Final = 34
WIDTHS: Final = (64, 190)
BETWEEN_LAYERS: Final = 44
BETWEEN_NODES: Final = 16
BEND: Final = 8
MARGIN: Final = 12
LAYERS_IN_A_ROW: Final = 7
SWEEPS: Final = 6
_POINTS: Final = frozenset({"__start__", "__end__"})


@dataclass(frozen=True)
class GraphEdge:
    """An edge from one node to another; a run may take a conditional one or not."""

    source: str
    target: str
    is_conditional: bool = False


@dataclass(frozen=True)
class DrawnNode:
    """A node with its box. `inside` is how many nodes are folded into it."""

    name: str
    label: str
    x: float
    y: float
    width: float
    height: float
    inside: int
    is_point: bool

    @property
    def middle_x(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle_y(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class DrawnEdge:
    """An edge as an SVG path. `is_back` ones lead to an earlier layer: loops."""

    source: str
    target: str
    path: str
    is_conditional: bool
    is_back: bool


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]


@dataclass
class _Place:
    """A node, or a bend of a long edge, in its layer. `along` is its middle across the direction of flow."""

    name: str
    length: float  # along the flow
    breadth: float  # across it
    layer: int
    is_bend: bool = False
    at: float = 0.0  # where its layer begins
    along: float = 0.0
    before: list[_Place] = field(default_factory=list)
    after: list[_Place] = field(default_factory=list)


def drawing_of(nodes: Mapping[str, int], edges: Sequence[GraphEdge]) -> Drawing:
    """Lay out a graph. Deterministic: the same graph always looks the same."""
    forward = _without_loops(list(nodes), edges)
    layer_of = _layers(list(nodes), forward)
    is_row = max(layer_of.values(), default=0) < LAYERS_IN_A_ROW
    places = {name: _place(name, layer_of[name], is_row) for name in nodes}
    layers: list[list[_Place]] = [[] for _ in range(max(layer_of.values(), default=0) + 1)]
    for place in places.values():
        layers[place.layer].append(place)
    routes = {edge: _route(places, layers, edge) for edge in forward if edge.source != edge.target}
    _order(layers)
    _position(layers)
    drawn = {name: _node(place, nodes[name], is_row) for name, place in places.items()}
    width = max(node.x + node.width for node in drawn.values()) + MARGIN
    height = max(node.y + node.height for node in drawn.values()) + MARGIN
    found = [_edge(edge, [_xy(place, is_row) for place in routes[edge]], drawn, is_row) for edge in routes]
    backs = [edge for edge in edges if edge not in routes]
    for number, edge in enumerate(backs):
        path, reach = _back(drawn[edge.source], drawn[edge.target], drawn.values(), is_row, number)
        found.append(DrawnEdge(edge.source, edge.target, path, edge.is_conditional, True))
        width, height = (width, max(height, reach)) if is_row else (max(width, reach), height)
    return Drawing(round(width), round(height), tuple(drawn.values()), tuple(found))


def _without_loops(names: Sequence[str], edges: Sequence[GraphEdge]) -> list[GraphEdge]:
    """The edges without those that close a loop, found depth first from the first node."""
    out: dict[str, list[GraphEdge]] = {name: [] for name in names}
    for edge in edges:
        out[edge.source].append(edge)
    kept: list[GraphEdge] = []
    done: set[str] = set()
    open_: set[str] = set()
    for root in sorted(names, key=lambda name: name != "__start__"):
        stack = [(root, iter(out[root]))] if root not in done else []
        open_.add(root)
        while stack:
            name, rest = stack[-1]
            found = next(rest, None)
            if found is None:
                stack.pop()
                open_.discard(name)
                done.add(name)
            elif found.target not in open_:
                kept.append(found)
                if found.target not in done:
                    open_.add(found.target)
                    stack.append((found.target, iter(out[found.target])))
    return kept


def _layers(names: Sequence[str], edges: Sequence[GraphEdge]) -> dict[str, int]:
    """Each node one layer after the last of those before it; the end in the last one."""
    layer = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for edge in edges:
            if layer[edge.target] < layer[edge.source] + 1:
                layer[edge.target] = layer[edge.source] + 1
                moved = True
        if not moved:
            break
    return layer


def _place(name: str, layer: int, is_row: bool) -> _Place:
    width = 14.0 if name in _POINTS else min(max(len(name) * CHAR + PADDING, WIDTHS[0]), WIDTHS[1])
    height = 14.0 if name in _POINTS else float(HEIGHT)
    return _Place(name, *((width, height) if is_row else (height, width)), layer)


def _route(places: Mapping[str, _Place], layers: list[list[_Place]], edge: GraphEdge) -> list[_Place]:
    """The places an edge passes: a bend in each layer between its ends."""
    source, target = places[edge.source], places[edge.target]
    route = [source]
    for layer in range(source.layer + 1, target.layer):
        bend = _Place("", 0.0, BEND, layer, is_bend=True)
        layers[layer].append(bend)
        route.append(bend)
    route.append(target)
    for before, after in pairwise(route):
        before.after.append(after)
        after.before.append(before)
    return route


def _order(layers: list[list[_Place]]) -> None:
    """Each layer by where its neighbours stand, there and back again a few times."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            for index, place in enumerate(layer):
                place.along = index
            positions = {id(p): i for other in layers for i, p in enumerate(other)}
            layer.sort(key=lambda place: _mean(place.before if down else place.after, positions, place))


def _mean(neighbours: Sequence[_Place], positions: Mapping[int, int], place: _Place) -> float:
    if not neighbours:
        return positions[id(place)]
    return sum(positions[id(n)] for n in neighbours) / len(neighbours)


def _position(layers: list[list[_Place]]) -> None:
    """Where each layer begins, and the middles of its places: near their neighbours', never overlapping."""
    at = float(MARGIN)
    for layer in layers:
        thick = max((place.length for place in layer), default=0.0)
        for place in layer:
            place.at = at + (thick - place.length) / 2
        at += thick + BETWEEN_LAYERS
        edge = float(MARGIN)
        for place in layer:
            place.along = edge + place.breadth / 2
            edge += place.breadth + BETWEEN_NODES
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_wanted(place, sweep % 2 == 0) for place in layer]
            _spread(layer, wanted)
    least = min((place.along - place.breadth / 2 for layer in layers for place in layer), default=0.0)
    for layer in layers:
        for place in layer:
            place.along += MARGIN - least


def _wanted(place: _Place, down: bool) -> float:
    neighbours = (place.before or place.after) if down else (place.after or place.before)
    return sum(n.along for n in neighbours) / len(neighbours) if neighbours else place.along


def _spread(layer: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Move the places to where they want to be, apart where they would overlap, and shift them evenly."""
    taken = float("-inf")
    for place, want in zip(layer, wanted, strict=True):
        place.along = max(want, taken + place.breadth / 2)
        taken = place.along + place.breadth / 2 + BETWEEN_NODES
    if layer:
        shift = sum(place.along - want for place, want in zip(layer, wanted, strict=True)) / len(layer)
        for place in layer:
            place.along -= shift


def _xy(place: _Place, is_row: bool) -> tuple[float, float, float]:
    """Where an edge enters a place along the flow, where it leaves it, and its middle across."""
    return place.at, place.at + place.length, place.along


def _node(place: _Place, inside: int, is_row: bool) -> DrawnNode:
    across = place.along - place.breadth / 2
    x, y = (place.at, across) if is_row else (across, place.at)
    width, height = (place.length, place.breadth) if is_row else (place.breadth, place.length)
    most = int((width - PADDING + 10) / CHAR)
    label = place.name if len(place.name) <= most else place.name[: max(1, most - 1)] + "…"
    return DrawnNode(place.name, label, x, y, width, height, inside, place.name in _POINTS)


def _edge(
    edge: GraphEdge, points: Sequence[tuple[float, float, float]], drawn: Mapping[str, DrawnNode], is_row: bool
) -> DrawnEdge:
    """A smooth line through the points of a route."""
    parts = [_point(points[0][1], points[0][2], is_row, "M")]
    for (_, leave, across), (enter, _, next_across) in pairwise(points):
        half = (enter - leave) / 2
        curve = [(leave + half, across), (enter - half, next_across), (enter, next_across)]
        parts.append("C" + " ".join(_point(at, where, is_row) for at, where in curve))
    return DrawnEdge(edge.source, edge.target, "".join(parts), edge.is_conditional, False)


def _back(
    source: DrawnNode, target: DrawnNode, nodes: Iterable[DrawnNode], is_row: bool, number: int
) -> tuple[str, float]:
    """A loop's line, around the outside of what is between its ends, and how far out it reaches."""
    if is_row:
        low, high = sorted((source.x, target.x))
        out = max(n.y + n.height for n in nodes if low - 1 <= n.x <= high + 1) + 22 + 6 * (number % 3)
        x1, y1, x2, y2 = source.middle_x, source.y + source.height, target.middle_x, target.y + target.height
        return f"M{x1:.0f} {y1:.0f}C{x1:.0f} {out:.0f} {x2:.0f} {out:.0f} {x2:.0f} {y2:.0f}", out + 2
    low, high = sorted((source.y, target.y))
    out = max(n.x + n.width for n in nodes if low - 1 <= n.y <= high + 1) + 34 + 8 * (number % 3)
    x1, y1, x2, y2 = source.x + source.width, source.middle_y, target.x + target.width, target.middle_y
    return f"M{x1:.0f} {y1:.0f}C{out:.0f} {y1:.0f} {out:.0f} {y2:.0f} {x2:.0f} {y2:.0f}", out + 2


def _point(at: float, across: float, is_row: bool, command: str = "") -> str:
    x, y = (at, across) if is_row else (across, at)
    return f"{command}{x:.1f} {y:.1f}"

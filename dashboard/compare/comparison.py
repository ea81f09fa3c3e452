"""Two to five runs side by side: facts and short values in columns, two of them compared in depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.urls import reverse
from django.utils.safestring import SafeString

from dashboard.compare.conversations import Talk, messages_of, talk_difference
from dashboard.compare.diffs import Difference, difference
from dashboard.compare.so_far import values_so_far
from dashboard.runs.models import Run
from dashboard.runs.selectors import TITLE, run_result
from dashboard.runs.state import cache
from dashboard.runs.state.cards import short_html
from dashboard.runs.state.document import Document, Place
from dashboard.runs.state.seen import cut, seen, seen_html
from dashboard.runs.statuses import RunStatus
from dashboard.runs.templatetags.runs import duration
from dashboard.servers.selectors import assistant_ids_like
from dashboard.steps.models import Step

RUNS_MAX = 5
OFFERED = 20
KEYS_MAX = 100
VALUE_CHARS = 160
STEPS_MAX = 2_000
TALK: Final = frozenset({"messages"})
OF_THE_TEAM: Final = frozenset({"Server", "Launched by"})
"""Facts that strangers do not see."""


@dataclass(frozen=True)
class Row:
    """One fact of every run, in the runs' order."""

    name: SafeString
    values: list[SafeString]

    @property
    def is_equal(self) -> bool:
        return len(set(map(str, self.values))) == 1


@dataclass(frozen=True)
class Part:
    """What differs in one document of two runs: parameters by name, or the final state by key."""

    title: str
    name: str
    difference: Difference


@dataclass(frozen=True)
class Side:
    """A run as it is compared.

    Attributes:
        address: Of its page.
        state: Its final state, else its values so far; None when it has neither, or it is left out.
        params: Its parameters; None when they are not compared.
        steps: None when they are not compared.
        is_left_out: Whether it has a final state that cannot be compared.
        is_so_far: Whether `state` is that of its last checkpoint, because it left no final one.
        without_url: The comparison without it; "" when that would leave one run, and for strangers.
        in_depth_url: The comparison in which it is compared in depth with the first; "" where it is.
    """

    run: Run
    address: str
    state: Place | None
    params: dict[str, Any] | None
    steps: list[Step] | None
    is_left_out: bool = False
    is_so_far: bool = False
    without_url: str = ""
    in_depth_url: str = ""


@dataclass(frozen=True)
class Comparison:
    """What a comparison page shows."""

    sides: list[Side]
    facts: list[Row]
    values: list[Row] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    talk: Talk | None = None
    steps: list[Row] = field(default_factory=list)
    problem: str = ""


def run_last_succeeded(run: Run) -> Run | None:
    """The team's latest other run of the same assistant that succeeded."""
    others = Run.objects.filter(team=run.team_id, status=RunStatus.SUCCEEDED).exclude(pk=run.pk).order_by("-created_at")
    ids = assistant_ids_like(run.server_id, run.assistant_id)
    # One after the other, each along the index by assistant and time.
    found = [last for one in ids if (last := others.filter(assistant_id=one).first())]
    return max(found, key=lambda other: other.created_at, default=None)


def runs_to_add(runs: Sequence[Run]) -> list[Run]:
    """Runs that a comparison may be widened by: the latest others of the first one's assistant; none if it is full."""
    if len(runs) >= RUNS_MAX:
        return []
    others = Run.objects.filter(team=runs[0].team_id).exclude(pk__in=[run.pk for run in runs])
    others = others.order_by("-created_at", "-id").only(*TITLE, "team", "status", "created_at")
    ids = assistant_ids_like(runs[0].server_id, runs[0].assistant_id)
    found = [other for one in ids for other in others.filter(assistant_id=one)[:OFFERED]]
    return sorted(found, key=lambda other: (other.created_at, other.pk), reverse=True)[:OFFERED]


def compare(runs: Sequence[Run]) -> Comparison:
    """Runs side by side; the first two in depth."""
    return compare_sides([_side(run) for run in runs])


def compare_sides(sides: Sequence[Side], *, without: frozenset[str] = frozenset()) -> Comparison:
    """The same for runs that are shown in part. `without`: names of facts that are left out."""
    runs = [side.run for side in sides]
    states = [side.state for side in sides]
    talk = _talk(*sides[:2]) if len(sides) > 1 else None
    parts = list(_parts(*sides[:2], without=TALK if talk else frozenset())) if len(sides) > 1 else []
    facts = [row for row in _facts(runs) if row.name not in without]
    return Comparison(list(sides), facts, _values(states), parts, talk, _steps(sides), _problem(sides))


def _problem(sides: Sequence[Side]) -> str:
    """What is not compared as one expects, in a sentence or two."""
    sentences = []
    if any(side.is_left_out for side in sides):
        sentences.append("A final state that is too large, or not JSON, is left out.")
    so_far = [side.run.title for side in sides if side.is_so_far]
    if so_far:
        names = ", ".join(f"“{seen(cut(title, 60))}”" for title in so_far)
        sentences.append(f"{names} left no final state: the values so far are compared.")
    return " ".join(sentences)


def _side(run: Run) -> Side:
    state, result = cache.root_of(run), run_result(run)
    so_far = values_so_far(run) if result is None and run.is_terminal else None
    steps = list(Step.objects.filter(run=run).defer("writes_json")[:STEPS_MAX])
    return Side(
        run,
        reverse("run-detail", args=[run.pk]),
        state or so_far,
        run.request.params,
        steps,
        is_left_out=state is None and result is not None,
        is_so_far=so_far is not None,
    )


def _facts(runs: Sequence[Run]) -> list[Row]:
    rows = [
        ("Assistant", _assistants(runs)),
        ("Server", [run.server.name for run in runs]),
        ("Launched by", [str(run.launched_by or "") for run in runs]),
        ("Duration", [_took(run) for run in runs]),
        ("Error", [run.error_type for run in runs]),
        ("Node", [run.error_node for run in runs]),
    ]
    return [Row(SafeString(name), list(map(seen_html, values))) for name, values in rows if any(values)]


def _assistants(runs: Sequence[Run]) -> list[str]:
    """Their names, with ids where two assistants have the same name."""
    meant = {run.assistant_key for run in runs}
    labels = [run.assistant_label for run in runs]
    if len(meant) == len(set(labels)):
        return labels
    return [f"{label} · {run.assistant_key}" for label, run in zip(labels, runs, strict=True)]


def _took(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return duration((run.finished_at - run.started_at).total_seconds())


def _values(states: Sequence[Place | None]) -> list[Row]:
    """Short values of the states by key, those that differ."""
    keyed = [_members(state) for state in states]
    names = list(dict.fromkeys(name for members in keyed for name in members))[:KEYS_MAX]
    rows = [Row(seen_html(cut(name, 100)), [_value(members.get(name)) for members in keyed]) for name in names]
    return [row for row in rows if not row.is_equal]


def _members(state: Place | None) -> dict[str, Place]:
    if state is None or state.kind != "object":
        return {}
    return {str(one.key): one for one in state.children(0, KEYS_MAX) if not one.is_container and one.length <= 400}


def _value(place: Place | None) -> SafeString:
    if place is None:
        return SafeString('<span class="more">not there</span>')
    return (
        short_html(place) if place.length <= VALUE_CHARS else seen_html(cut(place.text(VALUE_CHARS + 1), VALUE_CHARS))
    )


def _parts(a: Side, b: Side, *, without: frozenset[str] = frozenset()) -> Iterator[Part]:
    """`without`: keys of the final state that are compared elsewhere."""
    if a.params is not None and b.params is not None:
        sent = [Document.of(params).root for params in (a.params, b.params)]
        yield Part("Parameters", "parameters", difference(sent[0], sent[1]))
    if a.state is not None and b.state is not None:
        title = "Other keys of the state" if without else "State" if a.is_so_far or b.is_so_far else "Final state"
        found = difference(a.state, b.state, without=without)
        if found or found.equal or not without:
            yield Part(title, "state", found)


def _talk(a: Side, b: Side) -> Talk | None:
    """The conversations of two runs that both have one."""
    was, now = messages_of(a.state), messages_of(b.state)
    return talk_difference(was, now) if was is not None and now is not None else None


def _steps(sides: Sequence[Side]) -> list[Row]:
    """How long each node took in each run, all its executions together."""
    found: list[dict[str, list[Step]]] = []
    for side in sides:
        nodes: dict[str, list[Step]] = {}
        for step in side.steps or ():
            nodes.setdefault("/".join([*step.path, step.node]), []).append(step)
        found.append(nodes)
    names = list(dict.fromkeys(name for nodes in found for name in nodes))[:KEYS_MAX]
    return [Row(seen_html(name), [_executed(nodes, name) for nodes in found]) for name in names]


def _executed(nodes: dict[str, list[Step]], name: str) -> SafeString:
    steps = nodes.get(name, [])
    if not steps:
        # A run without any steps was not recorded, which says nothing about what it did.
        return SafeString(f'<span class="more">{"not run" if nodes else "not recorded"}</span>')
    seconds = sum(step.duration_s or 0.0 for step in steps)
    times = f"{len(steps)} times, " if len(steps) > 1 else ""
    failed = " failed" if any(step.status == "failed" for step in steps) else ""
    return seen_html(
        f"{times}{seconds * 1000:.0f} ms{failed}" if seconds < 1 else f"{times}{duration(seconds)}{failed}"
    )

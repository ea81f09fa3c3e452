"""A run as a link shows it: hidden values are removed here, before anything is rendered.

A link that hides something does not show what cannot be searched, because it is too large or not JSON.
"""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from dashboard.runs.models import ParentKind, Run, RunResult
from dashboard.runs.selectors import run_result
from dashboard.runs.state import cache
from dashboard.runs.state.document import Document
from dashboard.runs.state.json_values import TooDeep, read_json
from dashboard.runs.state.messages import is_conversation
from dashboard.runs.state.result import result_html, result_of
from dashboard.runs.state.seen import NOTHING
from dashboard.runs.state.view import Node, value_tree
from dashboard.runs.state.views import state_document
from dashboard.runs.summary import command_summary, input_summary
from dashboard.sharing.models import ShareLink, WhatIsShown
from dashboard.sharing.redaction.rules import Redactor, dump, mask, pick, pointer_tree
from dashboard.steps.layout import Row, axis_of
from dashboard.steps.models import Step
from dashboard.steps.selectors import step_log, steps_list

READ_MAX_BYTES: Final = 8_000_000
"""Larger states are shown whole or not at all."""
STEPS: Final = 200
STEP_BYTES: Final = 4_000_000
"""How much of what all steps wrote is searched and shown."""
INPUT: Final = ("input", "command")
"""Parameters that reach the graph; the others say how it runs."""
TOO_LARGE = "The final state is too large to remove what this link hides, so it is not shown."
UNREADABLE = "The final state could not be read to remove what this link hides, so it is not shown."

_states: cache.Cache[Shown] = cache.Cache(40_000_000, idle_s=cache.IDLE_S)
_learned: cache.Cache[list[str]] = cache.Cache(100_000, idle_s=cache.IDLE_S)


@dataclass(frozen=True)
class Shown:
    """A final state as a link shows it. `document` and `body` are None when it is not shown; `problem` says why."""

    document: Document | None = None
    body: bytes | None = None
    problem: str = ""


@dataclass(frozen=True)
class ShownStep:
    """A step as a link shows it; `tree` is what it wrote, None when that is not shown."""

    row: Row
    node: str
    path: list[str]
    error: str
    tree: Node | None


class SharedRun:
    """One run through one link. Reads what it needs once, and stores nothing."""

    def __init__(self, link: WhatIsShown, run: Run, *, redactor: Redactor | None = None) -> None:
        self.link = link
        self._original = run
        # What a run was asked, when it answers a question of that one: the answer is the team's and not shown.
        self._asked = next(iter(getattr(link, "earlier", ())), run)
        self.stored = run_result(run) if run.is_terminal else None
        self._redactor = redactor or Redactor(link.rules)
        self._step_rows: list[Step] | None = None
        self._beside = b""
        self._log = step_log(run)
        self._learn()

    # What must be known before anything is shown.

    def _learn(self) -> None:
        if not self.link.rules.hides_nothing:
            self._redactor.learned = _learned.get(self._key("learned"), self._learn_all, lambda made: len(made) + 1)

    @property
    def run_id(self) -> uuid.UUID:
        return self._original.pk

    @property
    def learned(self) -> list[str]:
        """The values at hidden places, which are hidden everywhere else, too."""
        return self._redactor.learned

    def learn_also(self, learned: Iterable[str]) -> None:
        """Also hide the values at hidden places of the other runs."""
        found = sorted({*self.learned, *learned}, key=lambda text: (-len(text), text))
        self._redactor.learned = found
        self._beside = hashlib.sha256("\0".join(found).encode("utf-8", "surrogatepass")).digest()

    def _learn_all(self) -> list[str]:
        for value in self._original.request.params.values():
            self._learn_of(value, by_name=True)
        if self.stored is not None and self.stored.size_bytes <= READ_MAX_BYTES:
            with suppress(ValueError):
                self._learn_of(read_json(self.stored.body), by_name=False)
        if self.link.rules.redact:
            for _, writes in self._written():
                self._learn_of(writes, by_name=True)
        return self._redactor.learned

    def _learn_of(self, value: Any, *, by_name: bool) -> None:
        with suppress(TooDeep):  # what cannot be searched is not shown either
            self._redactor.learn(value, by_name=by_name)

    def _key(self, what: str) -> tuple[object, ...]:
        """The cache key of everything made from this link and run; links do not change."""
        link_id = self.link.pk or uuid.uuid4()
        sha256 = bytes(self.stored.sha256) if self.stored is not None else b""
        steps = self._log.version if self._log is not None else 0
        return what, link_id, self._original.pk, sha256, steps, self._beside

    def _steps(self) -> list[Step]:
        if self._step_rows is None:
            self._step_rows = list(steps_list(self._original)[:STEPS])
        return self._step_rows

    def _written(self) -> Iterator[tuple[Step, Any]]:
        """What the steps wrote, up to the limit."""
        left = STEP_BYTES
        for step in Step.objects.filter(run=self._original).exclude(writes_json="")[:STEPS]:
            left -= len(step.writes_json)
            if left < 0:
                return
            yield step, step.writes

    def written_by(self) -> Iterator[tuple[str, Any]]:
        """Nodes and the shown part of what they wrote."""
        for step, writes in self._written() if "result" in self.link.show else ():
            if shown := self.written(writes):
                yield self._redactor.text(step.node), shown

    # Parts.

    @property
    def shows_state(self) -> bool:
        return bool({"result", "messages"} & set(self.link.show))

    @property
    def shows_errors(self) -> bool:
        """Errors belong to the result; where only some of its keys are shown, a message could reveal others."""
        return "result" in self.link.show and not self.link.keys

    def run(self) -> Run:
        """The run to render: redacted, and titled by its input only where that is shown."""
        run = copy.copy(self._original)
        run.summary = self.about
        if not run.name and self._asked.parent_kind == ParentKind.FORM:
            run.name = self._asked.link_for  # as the form was called
        text = self._redactor.text
        for name in ("name", "assistant_name", "graph_id", "assistant_id", "error_type", "error_message", "error_node"):
            setattr(run, name, text(getattr(run, name)))
        if not self.shows_errors:
            run.error_type = run.error_message = run.error_node = ""
        return run

    @property
    def about(self) -> str:
        """The run's summary; "" where the input is not shown.

        Made from the redacted input: a line that is cut first could end within an address.
        """
        if "input" not in self.link.show:
            return ""
        sent = dict(self.sent(INPUT))
        return input_summary(sent.get("input")) or command_summary(sent.get("command"))

    def state(self) -> Shown:
        """The final state; nothing when there is none, or the link does not show it."""
        found = self.stored
        if found is None or not self.shows_state:
            return Shown()
        if self.link.is_whole:
            return Shown()  # as it is stored
        if found.size_bytes > READ_MAX_BYTES:
            return Shown(problem=TOO_LARGE)
        return _states.get(self._key("state"), lambda: self._read(found), lambda made: len(made.body or b"") * 2 + 1)

    def _read(self, found: RunResult) -> Shown:
        try:
            body = dump(self.of_state(read_json(found.body))).encode()
            return Shown(Document(body), body)
        except (ValueError, RecursionError):
            return Shown(problem=UNREADABLE)

    def of_state(self, state: Any) -> Any:
        """The shown part of a final state, or of what a step wrote, which has the same keys."""
        return self._chosen(self._redactor.value(state, by_name=False))

    def _chosen(self, state: Any) -> Any:
        shows_result, shows_talk = "result" in self.link.show, "messages" in self.link.show
        tree = pointer_tree(self.link.keys) if self.link.keys else None
        if not isinstance(state, dict):
            is_talk = isinstance(state, list) and is_conversation(Document(dump(state).encode()).root)
            return state if is_talk and shows_talk else pick(state, tree) if shows_result and not is_talk else None
        others = {key: value for key, value in state.items() if key != "messages"} if shows_result else {}
        chosen = pick(others, tree)
        return ({"messages": state["messages"]} if shows_talk and "messages" in state else {}) | chosen

    @property
    def address(self) -> str:
        """The address of parts of the state; "" when there is none."""
        if not isinstance(self.link, ShareLink) or not self.link.token or not self.shows_state:
            return ""
        if self.link.run_id is None:
            return reverse("share-run-state", args=[self.link.token, self._original.pk])
        return reverse("share-state", args=[self.link.token])

    def document(self, shown: Shown) -> Document | None:
        """The shown state, to open place by place; None when there is none, or it cannot be opened.

        Raises:
            Http404: It is shown whole, and too large or no JSON.
        """
        if self.link.is_whole and self.stored is not None:
            return state_document(self.stored)
        return shown.document

    def state_html(self, shown: Shown, run: Run) -> SafeString:
        """The state laid out."""
        if self.link.is_whole:
            return result_html(run, address=self.address)
        result = self.result(shown)
        if result is None or shown.document is None:
            return NOTHING
        is_marked = self.link.rules.hides_nothing
        state = result_of(run, result, self.address, shown.document, is_marked=is_marked)
        return mark_safe(render_to_string("runs/state/_result.html", {"state": state, "run": run}))  # noqa: S308 - a template's

    def result(self, shown: Shown) -> RunResult | None:
        """Size and hash of the shown part: those of the whole would reveal what is hidden."""
        if self.link.is_whole:
            return self.stored
        if shown.body is None:
            return None
        sha256 = hashlib.sha256(shown.body).digest()
        return RunResult(run_id=self._original.pk, size_bytes=len(shown.body), sha256=sha256)

    def steps(self) -> dict[str, Any]:
        """The steps: nodes, times and statuses, and what they wrote if the result is shown too."""
        steps = self._steps()
        axis = axis_of(self._original, self._log, steps, now=timezone.now())
        text, written = self._redactor.text, {}
        if "result" in self.link.show:
            written = {step.index: self.written(writes) for step, writes in self._written()}
        rows = [
            ShownStep(
                row=axis.row(step) if axis else Row(step, None),
                node=text(step.node),
                path=[text(name) for name in step.path],
                error=text(step.error) if self.shows_errors else "",
                tree=value_tree(written[step.index]) if written.get(step.index) else None,
            )
            for step in steps
        ]
        version = self._original.version + (self._log.version if self._log else 0)
        return {"steps": rows, "axis": axis, "steps_version": version}

    def written(self, writes: Any) -> Any:
        """The shown part of what a step wrote; None when there is none."""
        try:
            return self._chosen(self._redactor.value(writes, by_name=True))
        except ValueError:
            return None

    def sent(self, names: tuple[str, ...]) -> list[tuple[str, Any]]:
        """Parameters of the launch, redacted."""
        params = self._asked.request.params
        return [(name, self._sent(params[name])) for name in names if name in params]

    def _sent(self, value: Any) -> Any:
        try:
            return self._redactor.value(value, by_name=True)
        except ValueError:
            return mask("", "")

    @property
    def other_names(self) -> tuple[str, ...]:
        return tuple(name for name in self._asked.request.params if name not in (*INPUT, "headers"))

"""Turns the events of a run that goes on into its steps so far, and the text that models are writing."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from dashboard.langgraph import StreamEvent
from dashboard.steps.timeline import OWN_NODES, StepFound

TEXT_CHARS: Final = 6_000
"""How many characters of a text to keep while it is written; the final state has all of it."""
TEXTS: Final = 3
STEPS: Final = 2_000
WRITES_BYTES: Final = 64_000
INTERRUPT: Final = "__interrupt__"
_WRITERS: Final = frozenset({"AIMessageChunk", "ai"})


@dataclass
class Text:
    """The text of one message so far: its last characters, and how many came before them."""

    node: str
    namespace: str
    text: str = ""
    cut: int = 0
    is_done: bool = False

    def add(self, words: str) -> None:
        self.text += words
        if len(self.text) > 2 * TEXT_CHARS:
            self._shorten()

    def entry(self, message_id: str) -> dict[str, Any]:
        """As JSON for the page."""
        if len(self.text) > TEXT_CHARS:
            self._shorten()
        return {"id": message_id, "node": self.node, "text": self.text, "cut": self.cut, "done": self.is_done}

    def _shorten(self) -> None:
        over = len(self.text) - TEXT_CHARS
        # At a space, if there is one near, so that no word is cut.
        space = self.text.find(" ", over, over + 100)
        over = space + 1 if space >= 0 else over
        self.cut += over
        self.text = self.text[over:]


class Assembler:
    """Takes events in order. `steps` and `texts` are bounded, whatever the server sends.

    Events show when a step has ended; they show that one goes on only when a model writes or a subgraph does something.
    The graph names the node that surely follows; where several may follow, none is assumed.

    Args:
        surely: for each node the nodes that follow it without a condition.
    """

    def __init__(self, surely: Mapping[str, Sequence[str]] | None = None) -> None:
        self.steps: list[StepFound] = []
        self.changed_from: int | None = None
        self.have_words_changed = False
        self._surely = surely or {}
        self._texts: OrderedDict[str, Text] = OrderedDict()
        self._running: dict[tuple[str, str], list[int]] = {}
        self._ended: list[str] = []
        self._levels: dict[str, datetime | None] = {}
        self._attempt = 1

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The texts that are being written, and those just finished, for a page."""
        return [text.entry(message_id) for message_id, text in list(self._texts.items())[-TEXTS:]]

    def take(self, event: StreamEvent, value: Any) -> None:
        """Take one event and its value."""
        if event.name == "updates" and isinstance(value, dict):
            for node, writes in value.items():
                if node == INTERRUPT:
                    self._wait(event.namespace)
                elif node not in OWN_NODES:
                    self._finish(event.namespace, node, event.at, writes)
        elif event.name == "messages" and isinstance(value, list) and len(value) == 2:
            self._write(event, *value)
        elif event.name == "metadata" and isinstance(value, dict):
            self._begin(event.at, value.get("attempt"))
        elif event.name == "error":
            self._fail(value, event.at)

    def take_changes(self) -> tuple[int, list[StepFound]] | None:
        """The steps from the first one on that has changed since the last call; None when none has."""
        first, self.changed_from = self.changed_from, None
        return None if first is None else (first, self.steps[first:])

    def _begin(self, at: datetime | None, attempt: Any) -> None:
        self._attempt = attempt if isinstance(attempt, int) and attempt > 0 else 1
        self._levels = {"": at}
        self._running.clear()
        self._follow("", "__start__")

    def _finish(self, namespace: str, node: str, at: datetime | None, writes: Any) -> None:
        index = self._running_step(namespace, node)
        if index is None:
            return
        self._running[(namespace, node)].remove(index)
        text = json.dumps(writes, ensure_ascii=False).encode("utf-8", "replace")
        self._change(
            index,
            status="done",
            finished_at=at,
            writes=text if len(text) <= WRITES_BYTES else None,
            writes_bytes=len(text),
        )
        for text_of in self._texts.values():
            if text_of.namespace == namespace and text_of.node == node and not text_of.is_done:
                text_of.is_done = self.have_words_changed = True
        if namespace == "":
            self._ended.append(node)
        if not any(indexes for (where, _), indexes in self._running.items() if where == namespace):
            self._levels[namespace] = at
            if namespace == "":
                ended, self._ended = self._ended, []
                self._follow("", *ended)

    def _follow(self, namespace: str, *nodes: str) -> None:
        """The steps that surely begin now: none that may be waiting for another step as well."""
        if not all(node in self._surely for node in nodes):
            return
        for following in dict.fromkeys(after for node in nodes for after in self._surely[node]):
            if all(following not in after or node in nodes for node, after in self._surely.items()):
                self._running_step(namespace, following)

    def _write(self, event: StreamEvent, message: Any, about: Any) -> None:
        if not isinstance(message, dict) or not isinstance(about, dict) or message.get("type") not in _WRITERS:
            return
        words = _words(message.get("content"))
        node = str(about.get("langgraph_node") or "")
        if not node:
            return
        self._running_step(event.namespace, node)
        if not words:
            return
        message_id = str(message.get("id") or node)
        text = self._texts.get(message_id)
        if text is None:
            text = self._texts[message_id] = Text(node, event.namespace)
            if len(self._texts) > TEXTS:
                self._texts.popitem(last=False)
        text.add(words)
        self.have_words_changed = True

    def _wait(self, namespace: str) -> None:
        going_on = [index for (where, _), found in self._running.items() if where == namespace for index in found]
        if len(going_on) == 1:
            self._change(going_on[0], status="waiting")

    def _fail(self, value: Any, at: datetime | None) -> None:
        going_on = sorted(index for found in self._running.values() for index in found)
        message = value.get("message") if isinstance(value, dict) else None
        if len(going_on) == 1:
            self._change(going_on[0], status="failed", finished_at=at, error=str(message or "Failed"))

    def _running_step(self, namespace: str, node: str) -> int | None:
        """The step of this node that goes on; a new one when there is none. None when there are too many steps."""
        found = self._running.setdefault((namespace, node), [])
        if found:
            return found[0]
        path: tuple[str, ...] = ()
        began = self._levels.get(namespace)
        if namespace:
            around, _, last = namespace.rpartition("|")
            outer = self._running_step(around, last.partition(":")[0])
            if outer is None:
                return None
            path = self.steps[outer].place
            began = began or self.steps[outer].started_at
        if len(self.steps) >= STEPS:
            return None
        self.steps.append(StepFound(node, path, "running", started_at=began, attempt=self._attempt))
        index = len(self.steps) - 1
        found.append(index)
        self._touch(index)
        return index

    def _change(self, index: int, **fields: Any) -> None:
        self.steps[index] = replace(self.steps[index], **fields)
        self._touch(index)

    def _touch(self, index: int) -> None:
        self.changed_from = index if self.changed_from is None else min(self.changed_from, index)


def _words(content: Any) -> str:
    """The text of a message's content: a string, or blocks of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(part for part in parts if isinstance(part, str))
    return ""

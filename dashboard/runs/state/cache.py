"""What a web process keeps of a final state: its index, and the HTML of its result.

A state never changes, so an entry is never stale. Entries are weighed; the ones not used for longest go first, and
entries that nobody used for a minute go too, so that memory is free when the readers of a large state have left.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from dashboard.runs.models import Run
from dashboard.runs.selectors import run_result
from dashboard.runs.state.document import Document, Place

OPEN_MAX_BYTES: Final = 64_000_000
"""Larger states can be downloaded, not opened here."""
IDLE_S: Final = 60.0

Made = TypeVar("Made")


class Stored(Protocol):
    """A stored state: a run's final one, or that of a checkpoint."""

    @property
    def size_bytes(self) -> Any: ...
    @property
    def sha256(self) -> Any: ...
    @property
    def body(self) -> bytes:
        """The bytes as received."""


@dataclass
class _Entry(Generic[Made]):
    made: Made
    weight: int
    used_at: float


class Cache(Generic[Made]):
    """Keeps what `make` returns, at most `weight` in all; made once, however many ask at the same time."""

    def __init__(self, weight: int, *, idle_s: float) -> None:
        self._weight = weight
        self._idle_s = idle_s
        self._entries: OrderedDict[Hashable, _Entry[Made]] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._timer: threading.Timer | None = None

    def get(self, key: Hashable, make: Callable[[], Made], weigh: Callable[[Made], int]) -> Made:
        """The entry for `key`, made now if there is none. What `make` raises is raised and not kept."""
        with self._lock:
            if (entry := self._use(key)) is not None:
                return entry.made
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if (entry := self._use(key)) is not None:
                    return entry.made
            try:
                made = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._entries[key] = _Entry(made, weigh(made), time.monotonic())
                self._drop()
            return made

    def __len__(self) -> int:
        return len(self._entries)

    def _use(self, key: Hashable) -> _Entry[Made] | None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.used_at = time.monotonic()
            self._entries.move_to_end(key)
        return entry

    def _drop(self) -> None:
        """Drop what is too much or idle; check again later while anything is kept."""
        now = time.monotonic()
        weight = sum(entry.weight for entry in self._entries.values())
        for key, entry in list(self._entries.items()):
            if now - entry.used_at >= self._idle_s or (weight > self._weight and len(self._entries) > 1):
                weight -= entry.weight
                del self._entries[key]
        if self._entries and self._timer is None:
            self._timer = threading.Timer(self._idle_s, self._tick)
            self._timer.daemon = True
            self._timer.start()

    def _tick(self) -> None:
        with self._lock:
            self._timer = None
            self._drop()


_documents: Cache[Document] = Cache(100_000_000, idle_s=IDLE_S)
html: Cache[str] = Cache(20_000_000, idle_s=3600.0)
"""The HTML of results, by what it was made of."""


def document_of(result: Stored) -> Document:
    """A state, ready to be opened anywhere.

    Raises:
        ValueError: it is no JSON document (TooDeep: it is nested too deeply).
    """
    sha256 = bytes(result.sha256)
    return _documents.get(sha256, lambda: Document(result.body), lambda made: len(made.body))


def root_of(run: Run) -> Place | None:
    """The whole of the run's final state; None when there is none, or it cannot be opened here."""
    return stored_root(run_result(run))


def stored_root(found: Stored | None) -> Place | None:
    """The same of a stored state."""
    if found is None or found.size_bytes > OPEN_MAX_BYTES:
        return None
    try:
        return document_of(found).root
    except ValueError:
        return None

"""The connection between one web process and Postgres, which can fall silent."""

from __future__ import annotations

from typing import Any

from tests.relay import Relay


class SoakRelay(Relay):
    """A relay that outlives Postgres: while that is away, new connections are closed.

    Attributes:
        listened: How often somebody has begun to listen through it.
    """

    listened = 0

    def heard(self, line: Any, data: bytes) -> None:
        is_new = not line.listens
        super().heard(line, data)
        self.listened += is_new and line.listens

    def _accept(self) -> None:
        while self._door.fileno() >= 0:
            super()._accept()

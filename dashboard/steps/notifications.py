"""What Postgres announces to web processes about steps: new ones, or more text in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

STEPS_CHANNEL = "runboard_steps"
"""Payload: StepsChange as JSON. For pages."""


@dataclass(frozen=True)
class StepsChange:
    """The steps of a run have a new version, or (`words`) only more text."""

    run_id: UUID
    version: int
    words: bool = False

    def to_payload(self) -> str:
        return json.dumps([str(self.run_id), self.version, self.words])

    @classmethod
    def from_payload(cls, payload: str) -> StepsChange:
        """Raises ValueError or TypeError for anything else."""
        run_id, version, words = json.loads(payload)
        return cls(UUID(run_id), int(version), bool(words))

"""What a step changed: the state it was given, compared with the first one that has its writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.compare.diffs import Difference, difference
from dashboard.runs.models import Run
from dashboard.runs.state import cache
from dashboard.runs.state.document import Place
from dashboard.steps import selectors
from dashboard.steps.models import Step


@dataclass(frozen=True)
class StepChanges:
    """The changes of a step.

    Attributes:
        difference: None when one of the two states is not kept.
        parallel: Other steps that wrote at the same time: changes of the same keys may be theirs.
        before, after: The checkpoints that were compared; "" when they are not kept.
    """

    difference: Difference | None
    parallel: list[str]
    before: str = ""
    after: str = ""


def step_changes(run: Run, step: Step) -> StepChanges | None:
    """The changes of the step; None for one inside a subgraph, or without known checkpoints."""
    if step.path or not step.checkpoint_id:
        return None
    parallel = selectors.steps_list(run).filter(checkpoint_id=step.checkpoint_id, path=[]).exclude(pk=step.pk)
    names = list(dict.fromkeys(parallel.values_list("node", flat=True)[:20]))
    before, after = _root(run, step.checkpoint_id), _root(run, step.next_checkpoint_id)
    ids = (step.checkpoint_id if before else "", step.next_checkpoint_id if after else "")
    if before is None or after is None:
        return StepChanges(None, names, *ids)
    writes = step.writes
    keys = list(writes) if names and isinstance(writes, dict) else None
    return StepChanges(_of_keys(before, after, keys), names, *ids)


def _of_keys(before: Place, after: Place, keys: Iterable[str] | None) -> Difference:
    """The differences in some keys (None: in all): other steps wrote the other keys."""
    if keys is None or before.kind != "object" or after.kind != "object":
        return difference(before, after)
    found = [difference(before.child(key), after.child(key), (key,)) for key in keys]
    changes = [change for one in found for change in one.changes]
    return Difference(changes, sum(one.equal for one in found), any(one.is_cut for one in found))


def _root(run: Run, checkpoint_id: str) -> Place | None:
    checkpoint = selectors.checkpoint_get(run, checkpoint_id) if checkpoint_id else None
    found = selectors.checkpoint_state(run, checkpoint) if checkpoint is not None else None
    return cache.stored_root(found)

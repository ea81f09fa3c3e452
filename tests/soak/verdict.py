"""Whether all was right: what the database holds against what the server did."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.runs.models import Run
from dashboard.runs.statuses import ENDS
from tests.bench.measuring import Table
from tests.soak.crew import Launched
from tests.soak.faults import Happened
from tests.soak.kinds import Kind
from tests.soak.stage import Weight
from tests.soak.stand_in import values_digest

Record = Mapping[str, Any]

WITH_BODY = frozenset({"succeeded", "needs_input", "paused", "timed_out"})
CUT_WITHIN_S = 20.0
"""So long after its sending can a fault have kept a run's ids from being stored, with the database away meanwhile."""
SHOWN = 25


@dataclass
class Findings:
    """What was looked for, and the sentences about what is wrong with it. Nothing may be."""

    wrong: dict[str, list[str]]

    @property
    def is_right(self) -> bool:
        return not any(self.wrong.values())

    def table(self, title: str) -> Table:
        table = Table(title)
        for what, sentences in self.wrong.items():
            table.figure(what, len(sentences), wanted="0", is_met=not sentences)
        return table

    def text(self) -> str:
        lines = []
        for what, sentences in self.wrong.items():
            lines += [f"\n{what}: {len(sentences)}", *(f"  {sentence}" for sentence in sentences[:SHOWN])]
            lines += ["  ..."] if len(sentences) > SHOWN else []
            if not sentences:
                del lines[-1]
        return "\n".join(lines)


def judge_runs(launched: Sequence[Launched], records: Iterable[Record], faults: Sequence[Happened]) -> Findings:
    """Compare every run with what the server did. Reads the database."""
    runs = {
        str(run.pk): run
        for run in Run.objects.select_related("result", "request").prefetch_related("events").order_by("created_at")
    }
    made: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        made[record["ours"]].append(record)
    kinds = {each.run_id: each.kind for each in launched}
    wrong: dict[str, list[str]] = {
        "runs that have not ended": [],
        "runs with a wrong end": [],
        "runs with a wrong final state": [],
        "runs created twice, or not as they should": [],
        "runs nobody launched, or that are not there": [],
        "holes in events": [],
        "threads not kept, or not deleted": [],
    }
    for run_id in {*runs, *kinds, *made}:
        run, kind, records_of = runs.get(run_id), kinds.get(run_id), made.get(run_id, [])
        if run is None or kind is None:
            wrong["runs nobody launched, or that are not there"].append(f"{run_id}: {run=} {kind=} {records_of=}")
            continue
        name = f"{run_id} ({kind.name})"
        found = _Case(run, kind, records_of, faults)
        for what, sentence in (
            ("runs that have not ended", found.not_ended()),
            ("runs with a wrong end", found.wrong_end()),
            ("runs with a wrong final state", found.wrong_state()),
            ("runs created twice, or not as they should", found.wrongly_created()),
            ("holes in events", found.hole()),
            ("threads not kept, or not deleted", found.wrong_thread()),
        ):
            if sentence:
                wrong[what].append(f"{name}: {sentence}; {found.story()}")
    return Findings(wrong)


@dataclass(frozen=True)
class _Case:
    run: Run
    kind: Kind
    records: Sequence[Record]
    faults: Sequence[Happened]

    def story(self) -> str:
        events = " ".join(event.data["to"] if event.kind == "status" else event.kind for event in self.run.events.all())
        at = f"{self.run.created_at:%H:%M:%S}"
        error = f" [{self.run.error_type}: {self.run.error_message[:120]}]" if self.run.error_type else ""
        return f"launched {at}, {events}{error}; server: {[_told(record) for record in self.records]}"

    @property
    def was_perhaps_lost_on_the_way(self) -> bool:
        """Whether a fault explains that nobody knows if the run exists: it was cut between its sending and its ids."""
        if not self.kind.is_stateless or self.run.remote_run_id is not None or self.run.sent_at is None:
            return False
        sent = self.run.sent_at.timestamp()
        return any(
            fault.breaks_lines and fault.began <= sent + CUT_WITHIN_S and fault.ended >= sent - 1
            for fault in self.faults
        )

    def not_ended(self) -> str:
        return "" if self.run.status in ENDS else f"still {self.run.status}"

    def wrong_end(self) -> str:
        status = str(self.run.status)
        if status not in ENDS:
            return ""
        if status == "lost" and self.was_perhaps_lost_on_the_way:
            return ""
        if status not in self.kind.ends:
            return f"ended {status}, right is {' or '.join(sorted(self.kind.ends))}"
        if status != "lost" and self.records:
            true = true_end(self.records[-1])
            return "" if status == true else f"ended {status}, on the server {true}"
        return ""

    def wrong_state(self) -> str:
        result = getattr(self.run, "result", None)
        keeps_error = self.run.status == "failed" and "raise_error" in self.run.request.params
        needs = self.run.status in WITH_BODY or keeps_error
        if result is None:
            return "has no final state" if needs else ""
        body = result.body
        if hashlib.sha256(body).digest() != bytes(result.sha256):
            return "its final state is not what its checksum says"
        if not self.records or not (needs or self.run.status == "lost"):
            return ""
        record = self.records[-1]
        if hashlib.sha256(body).hexdigest() in record["documents"]:
            return ""
        is_followed = any(self.kind.name in (kind.follows, kind.name) for kind in _FOLLOWERS)
        if is_followed and values_digest(json.loads(body)) == record["values"]:
            return ""  # another run followed on its thread: its values are known, the bytes are gone
        return f"its final state is none the server sent: {body[:150]!r}"

    def wrongly_created(self) -> str:
        count = len(self.records)
        if count > 1:
            return f"created {count} times"
        if self.kind.created is not None and count != self.kind.created:
            is_excused = self.run.status == "lost" and self.was_perhaps_lost_on_the_way
            return "" if is_excused else f"created {count} times instead of {self.kind.created}"
        if self.records and self.run.remote_run_id not in (None, self.records[0]["run_id"]):
            return f"has the server's id {self.run.remote_run_id}"
        return ""

    def hole(self) -> str:
        numbers = [event.seq for event in self.run.events.all()]
        if sorted(numbers) != list(range(1, self.run.last_event_seq + 1)):
            return f"events {numbers}, the last should be {self.run.last_event_seq}"
        status = "queued"
        for event in sorted(self.run.events.all(), key=lambda event: event.seq):
            if event.kind == "status":
                if event.data["from"] != status:
                    return f"event {event.seq} goes from {event.data['from']}, the run was {status}"
                status = event.data["to"]
        return "" if status == self.run.status else f"the events end with {status}, the run is {self.run.status}"

    def wrong_thread(self) -> str:
        if not self.kind.is_stateless or not self.records or self.run.status != "succeeded":
            return ""
        has_thread, wanted = self.records[-1]["has_thread"], self.kind.form.get("on_completion") == "keep"
        # That it is deleted is a courtesy: a worker that dies in that moment does not do it.
        return "its thread is gone" if wanted and not has_thread else ""


def _followers() -> list[Kind]:
    from tests.soak.kinds import KINDS

    return [kind for kind in KINDS.values() if kind.follows]


_FOLLOWERS = _followers()


def true_end(record: Record) -> str:
    """How a run ended, as its server knows it."""
    match record["status"]:
        case "success":
            return "needs_input" if record["asks"] else "paused" if record["waits"] else "succeeded"
        case "error":
            return "failed"
        case "timeout":
            return "timed_out"
        case "interrupted":
            return "cancelled"
    return f"still {record['status']}"


def _told(record: Record) -> str:
    forgotten = ", forgotten" if record["is_forgotten"] else ""
    return f"{true_end(record)}{forgotten}"


def judge_weight(before: Mapping[str, Weight], after: Mapping[str, Weight], most: Weight) -> list[str]:
    """Processes that have grown by more than `most`."""
    found = []
    for name, now in after.items():
        was = before[name]
        if now.memory_mb - was.memory_mb > most.memory_mb:
            found.append(f"{name}: from {was.memory_mb:.0f} to {now.memory_mb:.0f} MB")
        if now.descriptors - was.descriptors > most.descriptors:
            found.append(f"{name}: from {was.descriptors} to {now.descriptors} descriptors")
    return found


def ends_by_kind(launched: Sequence[Launched]) -> Table:
    """How many runs of each kind ended how."""
    statuses = {str(pk): str(status) for pk, status in Run.objects.values_list("pk", "status")}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in launched:
        counts[each.kind.name][statuses.get(each.run_id, "not there")] += 1
    table = Table("Runs by kind")
    for name, found in counts.items():
        told = ", ".join(f"{count} {status}" for status, count in found.most_common())
        table.figure(name, f"{found.total()}: {told}")
    return table

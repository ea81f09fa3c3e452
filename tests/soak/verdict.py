"""The verdict: compares what the database holds with what the server did."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.runs.models import Run
from dashboard.runs.statuses import ENDS
from tests.bench.measuring import Table
from tests.soak.environment import Weight
from tests.soak.fake_server import values_digest
from tests.soak.faults import Happened
from tests.soak.scenarios import KINDS, Kind
from tests.soak.users import Launched

Record = Mapping[str, Any]

WITH_BODY = frozenset({"succeeded", "needs_input", "paused", "timed_out"})
CUT_WITHIN_S = 20.0
"""So long after its sending can a fault have kept a run's ids from being stored, not counting an outage of Postgres."""
MISDATED = timedelta(seconds=5)
SHOWN = 25
_FOLLOWERS = [kind for kind in KINDS.values() if kind.follows]


@dataclass(frozen=True)
class KeptEvent:
    """An event of a run."""

    seq: int
    kind: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """A run as the database holds it.

    Attributes:
        body: Its final state; None: it has none. `sha256` is what the database says of it.
        keeps_error: Launched so that an error is its final state.
        wait_state: What became of its question, or of its stop; `answered_by` is the run that went on.
        answers: By question, what was answered.
    """

    run_id: str
    status: str
    created_at: datetime
    sent_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    remote_run_id: str | None
    last_event_seq: int
    events: Sequence[KeptEvent]
    body: bytes | None
    sha256: bytes
    executions: int = 1
    keeps_error: bool = False
    error: str = ""
    wait_state: str = ""
    answered_by: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


def kept_runs() -> Iterator[Kept]:
    """Every run in the database, oldest first; one after the other, for some hold tens of megabytes."""
    found = Run.objects.select_related("result", "request", "answer").order_by("created_at")
    found = found.prefetch_related("events", "questions")
    for run in found.iterator(chunk_size=20):
        result = getattr(run, "result", None)
        assert run.request is not None
        yield Kept(
            run_id=str(run.pk),
            status=str(run.status),
            created_at=run.created_at,
            sent_at=run.sent_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            remote_run_id=run.remote_run_id,
            last_event_seq=run.last_event_seq,
            events=[KeptEvent(event.seq, event.kind, event.at, event.data) for event in run.events.all()],
            body=result.body if result else None,
            sha256=bytes(result.sha256) if result else b"",
            executions=run.executions,
            keeps_error="raise_error" in run.request.params,
            error=f"{run.error_type}: {run.error_message[:120]}" if run.error_type else "",
            wait_state=str(run.wait_state),
            answered_by=str(run.answer.pk) if hasattr(run, "answer") else "",
            answers={each.interrupt_id: each.answer for each in run.questions.all() if each.answer_json},
        )


@dataclass
class Findings:
    """The checks, and the sentences about what is wrong. There must be none."""

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


def judge_runs(
    runs: Iterable[Kept],
    launched: Sequence[Launched],
    records: Iterable[Record],
    faults: Sequence[Happened],
    *,
    read: Mapping[str, str] | None = None,
    answered: Mapping[str, str] | None = None,
) -> Findings:
    """Compare every run with what the server did.

    Args:
        runs: What the database holds.
        records: What the server did.
        answered: By run that asked, the answer of the one person who won.
        read: By run, the SHA-256 of the final state that a web process gave somebody.
    """
    made: dict[str, list[Record]] = defaultdict(list)
    threads: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        made[record["ours"]].append(record)
        threads[record["thread_id"]].append(record)
    kinds = {each.run_id: each.kind for each in launched}
    wrong: dict[str, list[str]] = {
        "runs that have not ended": [],
        "runs with a wrong end": [],
        "runs with a wrong final state": [],
        "runs created twice, or not as they should": [],
        "runs executed again, and not said so, or the other way round": [],
        "runs nobody launched, or that are not there": [],
        "holes in events": [],
        "moments by a wrong clock": [],
        "threads not kept, or not deleted": [],
        "answers not delivered once, or questions shown wrongly": [],
    }
    not_there = {*kinds, *made}
    for run in runs:
        not_there.discard(run.run_id)
        kind = kinds.get(run.run_id)
        if kind is None:
            wrong["runs nobody launched, or that are not there"].append(f"{run.run_id}: nobody launched it")
            continue
        name = f"{run.run_id} ({kind.name})"
        mine = made.get(run.run_id, [])
        there = threads[mine[-1]["thread_id"]] if mine else []
        after = there[there.index(mine[-1]) + 1 :] if mine else []
        found = _Case(run, kind, mine, faults, (read or {}).get(run.run_id), after, (answered or {}).get(run.run_id))
        for what, sentence in zip(
            wrong,
            (
                found.not_ended(),
                found.wrong_end(),
                found.wrong_state(),
                found.wrongly_created(),
                found.wrongly_executed(),
                "",
                found.hole(),
                found.misdated(),
                found.wrong_thread(),
                found.wrongly_answered(),
            ),
            strict=True,
        ):
            if sentence:
                wrong[what].append(f"{name}: {sentence}; {found.story()}")
    for run_id in sorted(not_there):
        kind_name = kinds[run_id].name if run_id in kinds else "launched by nobody"
        ends = [_end_on_server(record) for record in made.get(run_id, [])]
        wrong["runs nobody launched, or that are not there"].append(f"{run_id} ({kind_name}): server: {ends}")
    return Findings(wrong)


@dataclass(frozen=True)
class _Case:
    run: Kept
    kind: Kind
    records: Sequence[Record]
    faults: Sequence[Happened]
    read: str | None
    after: Sequence[Record]
    """What followed on its thread."""
    answer: str | None
    """What somebody answered in the inbox."""

    def story(self) -> str:
        events = " ".join(event.data["to"] if event.kind == "status" else event.kind for event in self.run.events)
        error = f" [{self.run.error}]" if self.run.error else ""
        ends = [_end_on_server(record) for record in self.records]
        return f"launched {self.run.created_at:%H:%M:%S}, {events}{error}; server: {ends}"

    @property
    def was_perhaps_lost_on_the_way(self) -> bool:
        """Whether a fault explains that nobody knows if the run exists: it was cut between its sending and its ids."""
        if not self.kind.is_stateless or self.run.remote_run_id is not None or self.run.sent_at is None:
            return False
        sent = self.run.sent_at.timestamp()
        until = sent + CUT_WITHIN_S
        until += sum(
            away.ended - away.began for away in self.faults if away.is_outage and sent - 1 < away.began < until
        )
        return self._was_cut(sent, until)

    @property
    def was_perhaps_cut_from_its_end(self) -> bool:
        """Whether a fault explains that nobody learned how the run ended before its server forgot it."""
        if not self.kind.lost_when_cut or self.run.sent_at is None or self.run.finished_at is None:
            return False
        return self._was_cut(self.run.sent_at.timestamp(), self.run.finished_at.timestamp())

    def _was_cut(self, since: float, until: float) -> bool:
        return any(fault.breaks_lines and fault.began <= until and fault.ended >= since - 1 for fault in self.faults)

    def not_ended(self) -> str:
        return "" if self.run.status in ENDS else f"still {self.run.status}"

    def wrong_end(self) -> str:
        status = self.run.status
        if status not in ENDS:
            return ""
        if status == "lost" and (self.was_perhaps_lost_on_the_way or self.was_perhaps_cut_from_its_end):
            return ""
        if status not in self.kind.ends:
            return f"ended {status}, right is {' or '.join(sorted(self.kind.ends))}"
        if status != "lost" and self.records:
            true = true_end(self.records[-1])
            return "" if status == true else f"ended {status}, on the server {true}"
        return ""

    def wrong_state(self) -> str:
        body = self.run.body
        needs = self.run.status in WITH_BODY or (self.run.status == "failed" and self.run.keeps_error)
        if body is None:
            return "has no final state" if needs else ""
        digest = hashlib.sha256(body).hexdigest()
        if digest != self.run.sha256.hex():
            return "its final state is not what its checksum says"
        if self.read not in (None, digest):
            return "somebody was given another final state than is kept"
        if not self.records or not (needs or self.run.status == "lost"):
            return ""
        record = self.records[-1]
        if digest in record["documents"]:
            return ""
        if record["written_again"] and values_digest(json.loads(body)) in record["written_again"]:
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

    def wrongly_executed(self) -> str:
        noted = sum(event.kind == "executed_again" for event in self.run.events) + 1
        true = self.kind.executions
        if self.run.status not in ENDS or self.run.executions == noted == true:
            return ""
        return f"executed {true} times, kept is {self.run.executions}, the events say {noted}"

    def misdated(self) -> str:
        moments = [
            self.run.sent_at,
            self.run.started_at,
            self.run.finished_at,
            *(event.at for event in self.run.events),
        ]
        earliest, latest = self.run.created_at - MISDATED, datetime.now(UTC) + MISDATED
        wrong = [moment for moment in moments if moment is not None and not earliest <= moment <= latest]
        return f"{', '.join(map(str, wrong))}" if wrong else ""

    def hole(self) -> str:
        numbers = [event.seq for event in self.run.events]
        if sorted(numbers) != list(range(1, self.run.last_event_seq + 1)):
            return f"events {numbers}, the last should be {self.run.last_event_seq}"
        status = "queued"
        for event in sorted(self.run.events, key=lambda event: event.seq):
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

    def wrongly_answered(self) -> str:
        """What it asks is open until a run follows on its thread: without an input it answers, once, with what won."""
        if self.run.status not in ("needs_input", "paused") or not self.records:
            return ""
        true = ("open", "")
        if self.after:
            true = ("gone", "") if self.after[0]["has_input"] else ("answered", self.after[0]["ours"])
        if (self.run.wait_state, self.run.answered_by) != true:
            return f"its question is {self.run.wait_state} {self.run.answered_by}, in truth {' '.join(true)}"
        if self.answer is None:
            return ""
        sent = [record["resume"] for record in self.after if record["resume"] is not None]
        if len(sent) > 1 or any(list(resume.values()) != [self.answer] for resume in sent):
            return f"answered with {self.answer!r}, the server got {sent}"
        if list(self.run.answers.values()) != [self.answer] * len(sent):
            return f"answered with {self.answer!r}, kept is {dict(self.run.answers)}"
        return ""


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


def _end_on_server(record: Record) -> str:
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
        ends = ", ".join(f"{count} {status}" for status, count in found.most_common())
        table.figure(name, f"{found.total()}: {ends}")
    return table

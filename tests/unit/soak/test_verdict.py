"""The soak's judge is given lies of every sort, and finds each: a green soak says something only if it would."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.documents import DOCUMENTS
from tests.soak.environment import Weight
from tests.soak.fake_server import values_digest
from tests.soak.faults import Happened
from tests.soak.play import exceptions_in
from tests.soak.scenarios import KINDS
from tests.soak.users import Launched
from tests.soak.verdict import CUT_WITHIN_S, Findings, Kept, KeptEvent, judge_runs, judge_weight

OURS = "0b2f9c0a-0000-4000-8000-000000000001"
AT = datetime.now(UTC) - timedelta(minutes=2)
SENT = AT.timestamp() + 1
BODY = b'{ "half":0.50}'
WENT = ("queued", "starting", "running", "succeeded")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def went_through(statuses: Sequence[str]) -> tuple[KeptEvent, ...]:
    """The events of a run that went through these."""
    moves = [("status", {"from": was, "to": is_}) for was, is_ in itertools.pairwise(statuses)]
    events = [("launched", {}), *moves]
    return tuple(KeptEvent(seq, kind, AT + timedelta(seconds=seq), data) for seq, (kind, data) in enumerate(events, 1))


def kept(*went: str, **changes: Any) -> Kept:
    """A run that ended well, as the database holds it."""
    went = went or WENT
    events = went_through(went)
    run = Kept(
        run_id=OURS,
        status=went[-1],
        created_at=AT,
        sent_at=datetime.fromtimestamp(SENT, UTC),
        started_at=AT + timedelta(seconds=2),
        finished_at=AT + timedelta(seconds=5),
        remote_run_id="remote",
        last_event_seq=len(events),
        events=events,
        body=BODY,
        sha256=hashlib.sha256(BODY).digest(),
    )
    return replace(run, **changes)


def record(**changes: Any) -> dict[str, Any]:
    """The same run, as its server made it."""
    return {
        "ours": OURS,
        "run_id": "remote",
        "thread_id": "thread",
        "resume": None,
        "has_input": True,
        "status": "success",
        "asks": False,
        "waits": False,
        "is_forgotten": False,
        "has_thread": True,
        "documents": [digest(BODY)],
        "values": values_digest({"half": 0.5}),
        "written_again": [],
        **changes,
    }


def judged(
    run: Kept | None,
    *records: dict[str, Any],
    kind: str = "plain",
    faults: Sequence[Happened] = (),
    read: Mapping[str, str] | None = None,
    answered: Mapping[str, str] | None = None,
) -> Findings:
    launched = [Launched(OURS, KINDS[kind])]
    return judge_runs([run] if run else [], launched, records, faults, read=read, answered=answered)


def wrong(findings: Findings) -> list[str]:
    """What was found wrong."""
    return [what for what, sentences in findings.wrong.items() if sentences]


def with_body(body: bytes) -> Kept:
    return kept(body=body, sha256=hashlib.sha256(body).digest())


def test_a_run_that_ended_as_it_did_on_its_server_is_right() -> None:
    assert wrong(judged(kept(), record(), read={OURS: digest(BODY)})) == []


def test_a_lost_run_is_found() -> None:
    assert wrong(judged(None)) == ["runs nobody launched, or that are not there"]
    assert wrong(judged(None, record())) == ["runs nobody launched, or that are not there"]


def test_runs_that_nobody_launched_are_found() -> None:
    ours = replace(kept(), run_id="another")
    findings = judge_runs([kept(), ours], [Launched(OURS, KINDS["plain"])], [record(), record(ours="a third")], [])

    assert wrong(findings) == ["runs nobody launched, or that are not there"]
    assert len(findings.wrong["runs nobody launched, or that are not there"]) == 2


@pytest.mark.parametrize("status", ["queued", "starting", "running", "cancelling"])
def test_a_run_that_has_not_ended_is_found(status: str) -> None:
    run = (
        kept("queued", "starting", "running", status)
        if status == "cancelling"
        else kept(*WENT[: 1 + WENT.index(status)])
    )

    assert wrong(judged(replace(run, body=None), record())) == ["runs that have not ended"]


@pytest.mark.parametrize("count", [0, 2, 3])
def test_a_doubled_or_missing_creation_is_found(count: int) -> None:
    assert wrong(judged(kept(), *[record()] * count)) == ["runs created twice, or not as they should"]


def test_a_creation_of_what_was_refused_is_found() -> None:
    run = kept("queued", "starting", "failed", body=None, remote_run_id=None)

    assert wrong(judged(run, kind="422")) == []
    assert "runs created twice, or not as they should" in wrong(judged(run, record(status="error"), kind="422"))


def test_the_ids_of_another_run_are_found() -> None:
    run = kept(remote_run_id="another")

    assert wrong(judged(run, record())) == ["runs created twice, or not as they should"]


@pytest.mark.parametrize("status", ["failed", "lost", "cancelled", "timed_out", "paused", "needs_input"])
def test_a_status_that_no_run_of_its_kind_may_have_is_found(status: str) -> None:
    assert "runs with a wrong end" in wrong(judged(kept("queued", "starting", "running", status), record()))


@pytest.mark.parametrize(
    "fields", [{"status": "error"}, {"status": "interrupted"}, {"status": "timeout"}, {"asks": True}, {"waits": True}]
)
def test_a_status_other_than_the_servers_is_found(fields: dict[str, Any]) -> None:
    assert wrong(judged(kept(), record(**fields))) == ["runs with a wrong end"]


def test_lost_is_excused_only_for_a_stateless_run_whose_line_was_cut_on_its_way() -> None:
    run = kept("queued", "starting", "lost", body=None, remote_run_id=None)
    cut = Happened("worker killed", SENT + 1, SENT + 2, breaks_lines=True)
    early, late = replace(cut, began=SENT - 9, ended=SENT - 5), replace(cut, began=SENT + CUT_WITHIN_S + 5)
    found = {"runs with a wrong end"}

    assert wrong(judged(run, record(), kind="stateless", faults=[cut])) == []
    for faults in ([], [early], [late], [replace(cut, breaks_lines=False)]):
        assert found <= set(wrong(judged(run, record(), kind="stateless", faults=faults)))
    assert found <= set(wrong(judged(run, record(), kind="plain", faults=[cut])))
    known = replace(run, remote_run_id="remote")
    assert found <= set(wrong(judged(known, record(), kind="stateless", faults=[cut])))


def test_while_postgres_is_away_ids_cannot_be_stored_so_that_a_later_cut_excuses_too() -> None:
    run = kept("queued", "starting", "lost", body=None, remote_run_id=None)
    away = Happened("Postgres away for a minute", SENT + 1, SENT + 61)
    cut = Happened("worker killed", SENT + 65, SENT + 66, breaks_lines=True)

    assert wrong(judged(run, record(), kind="stateless", faults=[away, cut])) == []
    assert wrong(judged(run, record(), kind="stateless", faults=[cut])) != []


def test_an_undone_run_may_be_lost_only_when_its_connection_was_cut() -> None:
    run = kept("queued", "starting", "running", "lost", body=None)
    undone = record(status="interrupted", is_forgotten=True)
    cut = Happened("server cuts all lines", SENT + 1, SENT + 1, breaks_lines=True)

    assert wrong(judged(run, undone, kind="pushed out and undone", faults=[cut])) == []
    assert wrong(judged(run, undone, kind="pushed out and undone")) == ["runs with a wrong end"]
    assert wrong(judged(run, undone, kind="pushed out", faults=[cut])) == ["runs with a wrong end"]


def test_a_missing_body_is_found() -> None:
    assert wrong(judged(kept(body=None), record())) == ["runs with a wrong final state"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"half":0.5}', BODY + b" ", BODY[:-1]])
def test_a_body_that_is_not_byte_for_byte_the_servers_is_found(body: bytes) -> None:
    assert wrong(judged(with_body(body), record())) == ["runs with a wrong final state"]


@pytest.mark.parametrize("name", ["NaN and Infinity", "equal keys", "key order and spaces", "lone surrogates, escaped"])
def test_a_document_that_was_parsed_and_written_again_is_found(name: str) -> None:
    document = DOCUMENTS[name]
    server_record = record(documents=[digest(document)])

    assert wrong(judged(with_body(document), server_record, kind=f"state: {name}")) == []
    again = document.replace(b" ", b"").replace(b"NaN", b"null").replace(b'"a":1,', b"").replace(rb"\ud800", b"?")
    assert wrong(judged(with_body(again), server_record, kind=f"state: {name}")) == ["runs with a wrong final state"]


def test_a_body_that_does_not_agree_with_its_checksum_is_found() -> None:
    assert wrong(judged(kept(sha256=b"\0" * 32), record())) == ["runs with a wrong final state"]


def test_another_body_given_to_somebody_is_found() -> None:
    assert wrong(judged(kept(), record(), read={OURS: digest(b"{}")})) == ["runs with a wrong final state"]


def test_where_another_run_followed_the_values_count_and_others_are_found() -> None:
    followed = record(documents=[])

    assert wrong(judged(with_body(b'{"half": 0.5}'), followed, kind="goes on")) == []
    assert wrong(judged(with_body(b'{"half": 0.6}'), followed, kind="goes on")) == ["runs with a wrong final state"]


def test_the_questions_of_a_joined_run_stand_in_its_state_and_others_are_found() -> None:
    asked = record(
        asks=True, documents=[], written_again=[values_digest({"half": 0.5, "__interrupt__": [{"value": "Go on?"}]})]
    )

    def judge(body: bytes) -> list[str]:
        run = kept(*WENT[:-1], "needs_input", body=body, sha256=hashlib.sha256(body).digest(), wait_state="open")
        return wrong(judged(run, asked, kind="no wait: asks"))

    assert judge(b'{"half":0.5,"__interrupt__":[{"value":"Go on?"}]}') == []
    assert judge(b'{"half":0.5,"__interrupt__":[{"value":"Go?"}]}') == ["runs with a wrong final state"]
    assert judge(b'{"half":0.5}') == ["runs with a wrong final state"]


@pytest.mark.parametrize("lost", range(len(WENT)))
def test_a_hole_in_the_events_is_found(lost: int) -> None:
    events = went_through(WENT)

    found = judged(kept(events=events[:lost] + events[lost + 1 :]), record())

    assert wrong(found) == ["holes in events"]


@pytest.mark.parametrize(
    "went",
    [("queued", "running", "succeeded"), ("queued", "starting", "running", "lost")],
    ids=["another way", "another end"],
)
def test_events_that_contradict_it_are_found(went: tuple[str, ...]) -> None:
    events = list(went_through(went))
    if went[-1] == "succeeded":  # begins where nothing led to
        events[1] = replace(events[1], data={"from": "starting", "to": "running"})

    assert wrong(judged(kept(events=events, last_event_seq=len(events)), record())) == ["holes in events"]


@pytest.mark.parametrize("name", ["sent_at", "started_at", "finished_at"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_moment_by_a_wrong_clock_is_found(name: str, hours: int) -> None:
    assert wrong(judged(kept(**{name: AT + timedelta(hours=hours)}), record())) == ["moments by a wrong clock"]


def test_an_event_by_a_wrong_clock_is_found() -> None:
    first, *rest = went_through(WENT)

    found = judged(kept(events=[replace(first, at=AT + timedelta(hours=1)), *rest]), record())

    assert wrong(found) == ["moments by a wrong clock"]


@pytest.mark.parametrize(("kind", "executions", "noted"), [("plain", 2, 2), ("plain", 1, 2), ("executed again", 1, 1)])
def test_an_execution_that_nobody_noticed_or_that_never_was_is_found(kind: str, executions: int, noted: int) -> None:
    events = went_through(WENT)
    events += tuple(KeptEvent(len(events) + number, "executed_again", AT) for number in range(1, noted))

    run = kept(events=events, last_event_seq=len(events), executions=executions)

    assert wrong(judged(run, record(), kind=kind)) == ["runs executed again, and not said so, or the other way round"]


def test_a_thread_that_was_to_be_kept_and_is_gone_is_found() -> None:
    gone = record(has_thread=False)

    assert wrong(judged(kept(), gone, kind="stateless kept")) == ["threads not kept, or not deleted"]
    assert wrong(judged(kept(), gone, kind="stateless")) == []


def test_findings_are_listed_and_counted() -> None:
    findings = judged(kept(body=None), record())

    assert not findings.is_right
    assert OURS in findings.text()
    assert "NOT MET" in findings.table("Soak").text()


def test_a_process_that_leaks_is_found() -> None:
    before = {"worker": Weight(memory_mb=80, descriptors=20)}
    most = Weight(memory_mb=60, descriptors=40)

    assert judge_weight(before, {"worker": Weight(139, 60)}, most) == []
    assert judge_weight(before, {"worker": Weight(141, 20)}, most) == ["worker: from 80 to 141 MB"]
    assert judge_weight(before, {"worker": Weight(80, 61)}, most) == ["worker: from 20 to 61 descriptors"]


def test_an_exception_that_nobody_caught_is_found_and_a_503_is_none(tmp_path: Path) -> None:
    trace = "Traceback (most recent call last):\n  File x, line 1\n{}: no\n"
    refused = "2026-11-26 00:00:00,000 ERROR Service Unavailable: /runs/\n" + trace.format("OperationalError")
    (tmp_path / "web.log").write_text(refused)
    (tmp_path / "worker.log").write_text("2026-11-26 00:00:00,000 ERROR a task failed\n" + trace.format("KeyError"))

    found = exceptions_in(tmp_path)

    assert len(found) == 1
    assert found[0].startswith("worker.log: ")
    assert found[0].endswith("KeyError: no")


CHILD = "0b2f9c0a-0000-4000-8000-000000000002"
NOT_ONCE = "answers not delivered once, or questions shown wrongly"


def answering(run: Kept, *resumes: Any) -> list[str]:
    """What is found wrong with a run that asks and was answered "yes", when its server got these answers."""
    child = kept(run_id=CHILD, body=None)
    launched = [Launched(OURS, KINDS["asks in the inbox"]), Launched(CHILD, KINDS["answered"])]
    got = [record(ours=CHILD, resume=resume, has_input=False) for resume in resumes]
    findings = judge_runs([run, child], launched, [record(asks=True), *got], [], answered={OURS: "yes"})
    return findings.wrong[NOT_ONCE]


def asked(**changes: Any) -> Kept:
    answered = {"wait_state": "answered", "answered_by": CHILD, "answers": {"q": "yes"}}
    return kept(*WENT[:-1], "needs_input", **answered | changes)


def test_an_answer_that_was_delivered_once_is_right() -> None:
    assert answering(asked(), {"q": "yes"}) == []


def test_an_answer_that_was_never_delivered_leaves_its_question_open() -> None:
    assert answering(asked(wait_state="open", answered_by="", answers={})) == []


@pytest.mark.parametrize(
    ("run", "resumes"),
    [
        (asked(), []),
        (asked(), [{"q": "yes"}, {"q": "yes"}]),
        (asked(), [{"q": "the answer of the one who was late"}]),
        (asked(wait_state="open", answered_by="", answers={}), [{"q": "yes"}]),
        (asked(wait_state="gone", answered_by=""), [{"q": "yes"}]),
        (asked(answered_by=OURS), [{"q": "yes"}]),
        (asked(answers={"q": "the answer of the one who was late"}), [{"q": "yes"}]),
        (asked(answers={}), [{"q": "yes"}]),
    ],
    ids=["lost", "twice", "of the loser", "still open", "gone", "by another", "another text", "not kept"],
)
def test_what_became_of_an_answer_is_found(run: Kept, resumes: list[Any]) -> None:
    assert len(answering(run, *resumes)) == 1

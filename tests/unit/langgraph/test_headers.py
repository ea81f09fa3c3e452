"""Ids out of headers, seconds out of Retry-After, sentences out of refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from dashboard.langgraph import (
    LangGraphError,
    NotFound,
    RequestInvalid,
    RequestRejected,
    RunRejected,
    ServerUnreachableNotCreated,
    ServerUnreachablePerhapsCreated,
)
from dashboard.langgraph._transport.error_responses import refusal, retry_after_s
from dashboard.langgraph._transport.urls import run_ids, segment

RUN = "1ef0b0b0-0000-6000-8000-000000000001"
THREAD = "1ef0b0b0-0000-6000-8000-000000000002"
BOTH = {"run_id": RUN, "thread_id": THREAD}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Location": f"/threads/{THREAD}/runs/{RUN}"}, BOTH),
        ({"Location": f"/threads/{THREAD}/runs/{RUN}/join"}, BOTH),
        ({"Content-Location": f"https://evil.example/threads/{THREAD}/runs/{RUN}"}, BOTH),
        ({"Content-Location": f"/some/prefix/threads/{THREAD}/runs/{RUN}?x=1"}, BOTH),
        ({"Content-Location": "nonsense", "Location": f"/threads/{THREAD}/runs/{RUN}/join"}, BOTH),
        ({"Content-Location": f"/runs/{RUN}"}, {"run_id": RUN, "thread_id": None}),
        ({"Content-Location": f"/threads/{THREAD}/runs/%0d%0aevil"}, None),
        ({"Content-Location": f"/threads/{THREAD}/runs/{'x' * 300}"}, None),
        ({"Content-Location": "http://[broken/threads/a/runs/b"}, None),
        ({"Content-Location": f"/threads/../../x/runs/{RUN}"}, {"run_id": RUN, "thread_id": None}),
        ({}, None),
    ],
)
def test_only_ids_are_taken_from_the_headers(headers: dict[str, str], expected: dict[str, Any] | None) -> None:
    assert run_ids(httpx.Headers(headers), thread_id=None) == expected


def test_the_thread_of_the_request_stands_in_for_one_the_server_left_out() -> None:
    headers = httpx.Headers({"Content-Location": f"/runs/{RUN}"})

    assert run_ids(headers, thread_id=THREAD) == BOTH


@pytest.mark.parametrize(
    ("value", "quoted"), [("a/b", "a%2Fb"), ("..", "%2E%2E"), ("ä ?#", "%C3%A4%20%3F%23"), ("", ""), ("a.b", "a.b")]
)
def test_ids_become_one_segment(value: str, quoted: str) -> None:
    assert segment(value) == quoted


@pytest.mark.parametrize("value", [None, b"bytes", "\ud800"])
def test_what_no_path_can_hold_is_an_error_of_ours(value: Any) -> None:
    with pytest.raises(RequestInvalid):
        segment(value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("-3", 0.0), ("1e99", 86400.0), ("soon", None), ("nan", None), (None, None)],
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)

    assert retry_after_s(later) == pytest.approx(100, abs=2)
    assert retry_after_s(earlier) == 0.0


@pytest.mark.parametrize(
    ("status", "kind", "may_exist"),
    [
        *((status, RunRejected, None) for status in (301, 307, 400, 401, 403, 404, 409, 422, 429, 501, 503)),
        *((status, ServerUnreachablePerhapsCreated, True) for status in (500, 502, 504, 520, 524)),
    ],
)
async def test_what_a_status_means_for_a_new_run(
    status: int, kind: type[LangGraphError], may_exist: bool | None
) -> None:
    error = await refusal(httpx.Response(status, json={"detail": "No."}), creates=True, changes=True)

    assert type(error) is kind
    assert "No." in str(error)
    assert getattr(error, "may_exist", None) is may_exist


async def test_what_a_status_means_for_other_requests() -> None:
    kinds = [
        type(await refusal(httpx.Response(status, json={}), creates=False, changes=False))
        for status in (404, 403, 500, 503)
    ]

    assert kinds == [NotFound, RequestRejected, ServerUnreachableNotCreated, RequestRejected]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"detail": "Thread not found"}', "Thread not found"),
        (b'{"detail": [{"loc": ["body", "x"], "msg": "field required"}]}', "body.x: field required"),
        (b'{"message": "slow down"}', "slow down"),
        (b'{"error": {"message": "inner"}}', "inner"),
        (b'{"detail": 5}', "The server answered 422 without a reason."),
        (b"<html>oh</html>", "The server answered 422 without a reason."),
        (b"plain words", "plain words"),
        (b"", "The server answered 422 without a reason."),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
async def test_the_servers_sentence_is_kept(content: bytes, sentence: str) -> None:
    error = await refusal(httpx.Response(422, content=content), creates=True, changes=True)

    assert isinstance(error, RunRejected)
    assert error.detail == sentence


async def test_only_429_and_503_and_their_like_are_worth_trying_later() -> None:
    temporary = [
        status
        for status in range(400, 600)
        if isinstance(e := await refusal(httpx.Response(status), creates=True, changes=True), RunRejected)
        and e.is_temporary
    ]

    assert temporary == [408, 425, 429, 503]

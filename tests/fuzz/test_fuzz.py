"""Nothing that is sent makes a 500, hangs, or stays behind."""

from __future__ import annotations

import os
import time
from urllib.parse import unquote_to_bytes

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.asynchronous import in_db
from tests.fuzz.requests import Asked, asked, body_of, path_of, quoted
from tests.integration.live.opening import opened
from tests.integration.test_access import House, addresses, house

REQUESTS = int(os.environ.get("FUZZ_REQUESTS") or 400)
FRAMES = max(REQUESTS // 20, 30)
SEED = int(os.environ.get("FUZZ_SEED") or 20_260_101)
A_REQUEST_S = 5.0
"""Processor time: no clock, so that a busy machine makes no difference."""
often = settings(
    max_examples=REQUESTS,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


@pytest.fixture
def everybody(db: None, static_files: None, monkeypatch: pytest.MonkeyPatch) -> tuple[House, dict[str, Client]]:
    monkeypatch.setattr("dashboard.answers.services.CHECK_S", 0.0)
    made = house()
    from tests.integration.test_access import WHO

    return made, {who: made.client(who) for who in WHO}


def test_no_request_breaks_anything(everybody: tuple[House, dict[str, Client]]) -> None:
    made, clients = everybody
    patterns = addresses()

    @seed(SEED)
    @often
    @given(asked())
    def send(request: Asked) -> None:
        client = clients[request.who]
        cookies = client.cookies.copy()
        with transaction.atomic():
            path = path_of(made, request, patterns[request.name])
            began = time.process_time()
            answer = client.generic(
                request.method.upper(),
                path,
                body_of(request) if request.method in ("post", "put", "patch") else b"",
                content_type=request.content_type,
                QUERY_STRING=quoted(request.query).decode(),
                headers=request.headers,
            )
            content = b"".join(answer) if answer.streaming else answer.content
            took_s = time.process_time() - began
            transaction.set_rollback(True)
        client.cookies = cookies
        assert answer.status_code < 500 or request.name == "healthz", (answer.status_code, path)
        assert b"Traceback" not in content
        assert took_s < A_REQUEST_S

    send()


FRAME = (
    st.text(max_size=200) | st.binary(max_size=200) | st.sampled_from(['{"a": 1}', "[]", "null", "\x00", "{" * 5_000])
)
PATHS = ("/ws/runs/", "/ws/inbox/", "/ws/workers/", "/ws/s/nope/", "/ws/nowhere/")


@pytest.mark.django_db(transaction=True)
async def test_no_frame_breaks_a_socket(static_files: None, coroutine_connections: None) -> None:
    made = await in_db(house)
    chosen: list[tuple[str, str, list[str | bytes], bytes]] = []

    @seed(SEED)
    @settings(parent=often, max_examples=FRAMES)
    @given(
        st.sampled_from(PATHS),
        st.sampled_from(["admin", "viewer", "anonymous"]),
        st.lists(FRAME, max_size=5),
        st.binary(max_size=60),
    )
    def choose(path: str, who: str, sent: list[str | bytes], query: bytes) -> None:
        chosen.append((path, who, sent, query))

    choose()
    for path, who, sent, query in chosen:
        async with opened(f"{path}?{unquote_to_bytes(query).decode('latin-1')}", made.people.get(who)) as socket:
            for frame in sent:
                await socket.send_input(
                    {"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame}
                )
            message = await socket.receive_output(timeout=10)
            assert message["type"] in ("websocket.send", "websocket.close"), message

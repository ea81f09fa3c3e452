"""A large final state on its way to a browser while Postgres fails."""

from __future__ import annotations

import random

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, StreamingHttpResponse

from dashboard.runs.models import RunResult
from dashboard.runs.state import download, storage
from dashboard.runs.statuses import RunStatus
from tests.asynchronous import in_db
from tests.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)

BODY = random.Random(1).randbytes(3_000_000)


async def a_download() -> StreamingHttpResponse:
    run = await in_db(lambda: make_run(status=RunStatus.SUCCEEDED, body=BODY))
    result = await in_db(RunResult.objects.get, run=run)
    request = HttpRequest()
    request.method = "GET"
    response = download.state_response(request, result)
    assert isinstance(response, StreamingHttpResponse)
    return response


def lose_connection() -> None:
    """The connection to Postgres ends in this thread, as in a restart, and nobody has noticed yet."""
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_download_goes_on_after_its_connection_broke() -> None:
    found, broke = b"", 0
    async for piece in await a_download():
        found += piece
        if broke < 3:
            await in_db(lose_connection)
            broke += 1

    assert broke == 3
    assert found == BODY


async def test_a_download_waits_while_postgres_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, failures = storage._stored_piece, ["restarting", "starting up", "not yet"]

    def sometimes(*args: object) -> bytes:
        if failures and args[1] != 1:
            raise OperationalError(failures.pop())
        return stored(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "_stored_piece", sometimes)
    monkeypatch.setattr(download, "AGAIN_S", 0.01)

    assert b"".join([piece async for piece in await a_download()]) == BODY
    assert failures == []


async def test_a_download_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> bytes:
        raise OperationalError("away")

    response = await a_download()
    monkeypatch.setattr(storage, "_stored_piece", away)
    monkeypatch.setattr(download, "AGAIN_S", 0.01)
    monkeypatch.setattr(download, "PATIENCE_S", 0.1)

    with pytest.raises(OperationalError, match="away"):
        [piece async for piece in response]

"""What Postgres announces to other processes when a run changes, and how they listen. A lost message does no harm:
every message only says "look again", and listeners look again whenever they (re)connect."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import psycopg
from django.db import connection

from dashboard.langgraph.backoff import Backoff
from dashboard.logs import THROTTLED

logger = logging.getLogger(__name__)

RUN_CHANNEL = "runboard_run"
"""Payload: RunChange as JSON. For pages."""
WORK_CHANNEL = "runboard_work"
"""Payload: a run's id that has work for a worker: queued, or to be cancelled."""

INBOX_CHANNEL = "runboard_inbox"
"""Payload: a team's id, of which a question was opened or closed. For pages that count them."""

PING_EVERY_S = 5.0
PING_TIMEOUT_S = 5.0
RECONNECT = Backoff(first_s=0.1, longest_s=1.0)


ANY_VERSION = 0
"""Instead of a version: look in any case."""


@dataclass(frozen=True)
class RunChange:
    """A run has a new version."""

    run_id: UUID
    team_id: UUID
    version: int

    def to_payload(self) -> str:
        return json.dumps([str(self.run_id), str(self.team_id), self.version])

    @classmethod
    def from_payload(cls, payload: str) -> RunChange:
        run_id, team_id, version = json.loads(payload)
        return cls(UUID(run_id), UUID(team_id), int(version))


def notify(channel: str, payload: str) -> None:
    """Send a message with the current transaction: delivered if it commits, else never."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


@dataclass(frozen=True)
class Notice:
    """What a listener receives: a message, or `connected` / `disconnected` about its own connection."""

    kind: Literal["message", "connected", "disconnected"]
    channel: str = ""
    payload: str = ""


async def listen(database_url: str, channels: tuple[str, ...]) -> AsyncGenerator[Notice, None]:
    """Listen to the channels for ever, and reconnect. Ends only when its task is cancelled.

    `connected` comes after each (re)connect, once LISTEN is in force: look up what was missed before.
    A ping every PING_EVERY_S seconds notices a connection that died silently.
    """
    attempt = 0
    while True:
        try:
            line = await psycopg.AsyncConnection.connect(database_url, autocommit=True, connect_timeout=5)
        except (psycopg.Error, OSError) as error:
            delay = RECONNECT.delay_s(attempt)
            logger.warning(
                "cannot listen to the database, trying again in %.1f s: %s", delay, str(error).strip(), extra=THROTTLED
            )
            await asyncio.sleep(delay)
            attempt += 1
            continue
        try:
            for channel in channels:
                await asyncio.wait_for(line.execute(f"LISTEN {channel}"), PING_TIMEOUT_S)
            attempt = 0
            yield Notice("connected")
            while True:
                async for message in line.notifies(timeout=PING_EVERY_S):
                    yield Notice("message", message.channel, message.payload)
                await asyncio.wait_for(line.execute("SELECT 1"), PING_TIMEOUT_S)
        except (psycopg.Error, OSError, TimeoutError) as error:
            logger.warning(
                "the connection that listens to the database broke: %s", str(error).strip() or type(error).__name__
            )
            yield Notice("disconnected")
        finally:
            await _close(line)


async def _close(line: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    try:
        await asyncio.wait_for(line.close(), 1)
    except (psycopg.Error, OSError, TimeoutError):
        logger.debug("the broken connection did not close cleanly")

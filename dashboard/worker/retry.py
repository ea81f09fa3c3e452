"""Asks a server until it answers, however long it is away; and asks briefly for optional details."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dashboard.langgraph import (
    AnswerNotUnderstood,
    AnswerTooLarge,
    Backoff,
    ConnectionEvent,
    RequestRejected,
    ServerUnreachable,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")
OnEvent = Callable[[ConnectionEvent], Awaitable[None]]

ASK = Backoff(first_s=0.25, longest_s=15.0)
SAID_AFTER_S = 5.0
"""After this long without an answer, the run's page says so."""
BROKEN_AFTER_S = 3.0
"""An endpoint that answers nothing but 500 for this long is broken; its server is not away."""
NICE_TO_HAVE_S = 3.0
"""How long a known outcome may wait for optional details."""


def is_retryable(error: RequestRejected) -> bool:
    """Whether the refusal may be temporary.

    So it is when it is about our key, or comes from a proxy whose server is away: a redirect, to a sign-in page say, or
    a 404 that is not JSON, which LangGraph servers speak.
    """
    is_a_proxys = error.status_code < 400 or (error.status_code == 404 and not error.is_json)
    return error.is_temporary or error.status_code in (401, 403, 407) or is_a_proxys


def is_broken_endpoint(error: Exception) -> bool:
    """Whether the server is up and fails at this one question."""
    return isinstance(error, ServerUnreachable) and error.status_code == 500


def is_refused_for_good(error: Exception) -> bool:
    """Whether this endpoint will not answer: it refuses, or fails each time, while its server is up."""
    return is_broken_endpoint(error) or (isinstance(error, RequestRejected) and not is_retryable(error))


class GaveUp(Exception):
    """The server does not answer the question. `cause` is what it did instead."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def retry_until_answered(
    ask: Callable[[], Awaitable[T]],
    *,
    on_event: OnEvent | None = None,
    patience_s: float = float("inf"),
    broken_after_s: float = float("inf"),
) -> T:
    """Ask until the server answers. Raises a refusal that will not change.

    Args:
        on_event: Called when the server has been away for a while, and when it answers again.
        patience_s: Give up after so many seconds; without it never.
        broken_after_s: Give up an endpoint that has answered nothing but 500 for so many seconds.

    Raises:
        RequestRejected: The server said no, for good.
        AnswerTooLarge: Its answer is larger than the limit, and would be again.
        GaveUp: `patience_s` or `broken_after_s` has passed.
    """
    began, is_said = time.monotonic(), False
    broken_since: float | None = None
    for delay_s in ASK.delays():
        problem: Exception
        try:
            answer = await ask()
        except AnswerTooLarge:
            raise
        except (ServerUnreachable, AnswerNotUnderstood) as error:
            problem = error
        except RequestRejected as error:
            if not is_retryable(error):
                raise
            problem = error
        else:
            if on_event is not None and is_said:
                await on_event(ConnectionEvent("joined", "", 0))
            return answer
        logger.info("the server does not answer, retrying in %.1f s: %s", delay_s, problem)
        now = time.monotonic()
        is_broken = is_broken_endpoint(problem)
        broken_since = (broken_since or now) if is_broken else None
        is_over = now - began >= patience_s
        if is_over or (broken_since is not None and now - broken_since >= broken_after_s):
            raise GaveUp(problem)
        if on_event is not None and not is_said and not is_broken and now - began >= SAID_AFTER_S:
            is_said = True
            await on_event(ConnectionEvent("lost", f"The server does not say how the run ended: {problem}", 0))
        await asyncio.sleep(delay_s)
    raise AssertionError("delays never end")


async def ask_briefly(ask: Callable[[], Awaitable[T]]) -> T | None:
    """An optional detail; None when the server does not answer within a few seconds."""
    try:
        async with asyncio.timeout(NICE_TO_HAVE_S):
            return await retry_until_answered(ask, broken_after_s=0.0)
    except (TimeoutError, RequestRejected, AnswerTooLarge, GaveUp) as error:
        logger.info("the server does not say an optional detail: %s", error or "no answer in time")
        return None

"""Asking a server until it answers, however long it is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from dashboard.langgraph import AnswerNotUnderstood, AnswerTooLarge, ConnectionEvent, RequestRejected, ServerUnreachable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Tell = Callable[[ConnectionEvent], Awaitable[None]]

ASK_FIRST_S = 0.25
ASK_MAX_S = 15.0
ASK_TELL_S = 5.0
"""After so many seconds without an answer the run's page says so."""


def is_retryable(error: RequestRejected) -> bool:
    """Whether a refusal says nothing for good.

    It is temporary, or about our key, or comes from a proxy whose server is away: a redirect, to a sign-in page say, or
    a 404 that is not JSON, which LangGraph servers speak.
    """
    is_a_proxys = error.status_code < 400 or (error.status_code == 404 and not error.is_json)
    return error.is_temporary or error.status_code in (401, 403, 407) or is_a_proxys


class GaveUp(Exception):
    """The server does not say what it was asked. `cause` is what it did instead."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def retry_until_answered(
    ask: Callable[[], Awaitable[T]],
    *,
    tell: Tell | None = None,
    patience_s: float = float("inf"),
) -> T:
    """Ask until the server answers; a refusal that will not change is raised.

    Args:
        tell: told when there has been no answer for a while, and when there is one again.
        patience_s: seconds after which it is given up; without it never.

    Raises:
        RequestRejected: the server said no, for good.
        AnswerTooLarge: it said more than is taken, and would again.
        GaveUp: patience has ended.
    """
    delay, began, is_told = ASK_FIRST_S, time.monotonic(), False
    while True:
        problem: Exception
        try:
            answer = await ask()
        except AnswerTooLarge:
            raise
        except (ServerUnreachable, AnswerNotUnderstood) as error:
            logger.info("the server could not be asked, trying again in %.1f s: %s", delay, error)
            problem = error
        except RequestRejected as error:
            if not is_retryable(error):
                raise
            logger.info("the server would not be asked, trying again in %.1f s: %s", delay, error)
            problem = error
        else:
            if tell is not None and is_told:
                await tell(ConnectionEvent("joined", "", 0))
            return answer
        waited_s = time.monotonic() - began
        if waited_s >= patience_s:
            raise GaveUp(problem)
        if tell is not None and not is_told and waited_s >= ASK_TELL_S:
            is_told = True
            await tell(ConnectionEvent("lost", f"The server does not say how the run ended: {problem}", 0))
        await asyncio.sleep(delay)
        delay = min(delay * 2, ASK_MAX_S)

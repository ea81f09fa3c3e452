"""Connections: a broken one is joined again, and half an answer is no answer."""

from __future__ import annotations

from tests.protections.broken import Break

HTTP = "dashboard/langgraph/_transport/client.py"
JOIN = "dashboard/langgraph/join.py"

LOST = "tests/unit/langgraph/test_lost_connections.py::"

CONNECTIONS = (
    Break(
        "proxy-does-not-end-a-join",
        "A proxy's 404 page does not end the joining of a run.",
        JOIN,
        "            if error.is_json:\n                raise RunNotFound",
        "            if error:\n                raise RunNotFound",
        (LOST + "test_a_proxys_own_page_for_the_run_is_not_the_servers_word",),
    ),
    Break(
        "too-large-is-not-read-on",
        "A final state larger than a worker takes does not fill its memory.",
        "dashboard/langgraph/answers.py",
        "if max_bytes is not None and size > max_bytes:",
        "if None:",
        ("tests/unit/langgraph/test_answer_limits.py::test_a_longer_one_is_not_read_on_and_not_asked_for_again",),
    ),
    Break(
        "join-heeds-retry-after",
        "A run is joined again when the server said, and not before.",
        "dashboard/langgraph/backoff.py",
        "return max(delay * random.uniform(0.75, 1.25), asked)",
        "return delay * random.uniform(0.75, 1.25)",
        (LOST + "test_backoff_doubles_to_its_limit_and_heeds_retry_after",),
    ),
    Break(
        "broken-line-is-joined-again",
        "A run whose connection broke is joined again, as often as necessary.",
        JOIN,
        "                await self._pause(answer.reason, answer.error)\n",
        "                raise ServerUnreachable(answer.reason)\n",
        (LOST + "test_broken_joins_are_joined_again",),
    ),
    Break(
        "silence-is-noticed",
        "A connection without even a heartbeat is given up, and the run joined again.",
        HTTP,
        "read=20.0",
        "read=None",
        (LOST + "test_by_default_silence_is_noticed_after_a_few_heartbeats",),
    ),
    Break(
        "half-a-document-is-no-answer",
        "A final state that was cut is not stored.",
        "dashboard/langgraph/answers.py",
        "        whole = is_whole(body)\n",
        "        whole = True\n",
        (LOST + "test_a_broken_answer_is_joined",),
    ),
    Break(
        "large-half-is-no-answer",
        "A large final state that was cut is not stored.",
        "dashboard/langgraph/answers.py",
        "whole = await asyncio.to_thread(is_whole, body)",
        "whole = True",
        (LOST + "test_a_large_answer_that_was_cut_is_joined",),
    ),
    Break(
        "cut-number-is-no-answer",
        "A number at which the connection broke may have had more digits.",
        "dashboard/langgraph/answers.py",
        "and not is_self_delimiting(body)",
        "and not body",
        (LOST + "test_a_bare_number_is_whole_only_when_the_server_ended_it",),
    ),
)

"""Checks a server on request: what it is, what it can do, and what to do about problems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from dashboard.database import DATABASE_AWAY
from dashboard.langgraph import (
    AddressRefused,
    AnswerNotUnderstood,
    LangGraphError,
    Probe,
    RequestInvalid,
    RequestRejected,
)
from dashboard.runs.text import storable
from dashboard.servers import services
from dashboard.servers.models import Server, ServerCheck
from dashboard.servers.services import AssistantFound
from dashboard.teams.encryption import SecretUnreadable
from dashboard.worker.assistant_change import change_assistant
from dashboard.worker.assistant_sync import assistants_of, version_of
from dashboard.worker.client_pool import ClientPool
from dashboard.worker.database import Database

logger = logging.getLogger(__name__)

POLL_S = 5.0
"""How often to look for requested checks without a NOTIFY."""
CHECK_S = 50.0
CLOCK_SURE_S = 2.0
"""The `Date` header has whole seconds, and the way there takes time."""
CLOCK_BAD_S = 30.0

Tone = Literal["success", "attention", "danger", "neutral"]


@dataclass(frozen=True)
class Finding:
    """One finding of a check. `items` name what it is about, one a line; `do` is what a person can do about it."""

    key: str
    tone: Tone
    title: str
    text: str = ""
    do: str = ""
    items: tuple[str, ...] = ()


async def do_checks(clients: ClientPool, database: Database, asked: asyncio.Event) -> None:
    """Carry out requested checks and changes of assistants, one after the other."""
    while True:
        asked.clear()  # cleared before we look: a request that arrives meanwhile is seen the next time
        try:
            check = await database.call(services.server_check_claim)
            if check is not None:
                await _do(check, clients, database)
                continue
            change = await database.call(services.assistant_change_claim)
            if change is not None:
                problem = await change_assistant(change, clients)
                await database.call(services.assistant_change_finish, change=change, problem=storable(problem))
                continue
        except DATABASE_AWAY as error:
            logger.warning("a check of a server waits for the database: %s", str(error).strip())
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), POLL_S)


async def _do(check: ServerCheck, clients: ClientPool, database: Database) -> None:
    try:
        async with asyncio.timeout(CHECK_S):
            found = await check_server(check.server, clients, database)
    except TimeoutError:
        found = [Finding("reach", "danger", f"It did not answer everything within {CHECK_S:.0f} s", do=_LOOK_AFTER_IT)]
    except DATABASE_AWAY:
        raise
    except Exception:
        logger.exception("a server could not be checked", extra={"server_id": str(check.server_id)})
        sentence = "Runboard does not understand what it says about itself. The worker's log says more."
        found = [Finding("reach", "danger", "It answers, but not as a LangGraph server does", sentence)]
    await database.call(services.server_check_finish, check=check, findings=[asdict(finding) for finding in found])


async def check_server(server: Server, clients: ClientPool, database: Database) -> list[Finding]:
    """Ask a server everything a check reports, and store what it says about its assistants."""
    try:
        client = clients.get(server)
    except SecretUnreadable as error:
        do = "Type the API key and the headers again under Settings, or add the old key to RUNBOARD_ENCRYPTION_KEYS."
        return [Finding("reach", "danger", "Its secrets cannot be decrypted", f"{error}.", do)]
    except RequestInvalid as error:
        return [Finding("reach", "danger", "It cannot be asked", str(error), "Correct the address under Settings.")]
    try:
        probe = await client.probe()
        info = await client.info()
        assistants = await assistants_of(client)
    except LangGraphError as error:
        await database.call(services.server_unreachable, server=server, problem=storable(str(error)))
        return [_no_answer(error)]
    heartbeat_at = client.heartbeat_at
    await database.call(
        services.server_seen,
        server=server,
        version=version_of(info),
        assistants=assistants,
        heartbeat_at=heartbeat_at,
    )
    return [
        Finding("reach", "success", "It answers", f"In {probe.took_s * 1000:.0f} ms{_way(server)}."),
        _identity(info, probe),
        _clock(probe),
        _heartbeats(heartbeat_at or server.heartbeat_at),
        *_assistants(assistants),
    ]


_LOOK_AFTER_IT = (
    "Check that the server runs, that Runboard's worker can reach it from its machine, and that the address is right."
)


def _no_answer(error: LangGraphError) -> Finding:
    sentence = storable(str(error))[:1000]
    if isinstance(error, AddressRefused):
        return Finding(
            "reach", "danger", "Its address is private", sentence, "If that is right, allow it under Settings."
        )
    if isinstance(error, RequestRejected) and error.status_code in (401, 403):
        return Finding(
            "reach",
            "danger",
            "It refuses Runboard",
            sentence,
            "Type its API key, or the header it wants, under Settings.",
        )
    if isinstance(error, RequestRejected | AnswerNotUnderstood):
        do = "Check the address, and its path if it has one."
        return Finding("reach", "danger", "Something answers, but it is no LangGraph server", sentence, do)
    return Finding("reach", "danger", "It does not answer", sentence, _LOOK_AFTER_IT)


def _way(server: Server) -> str:
    return f", through the proxy {server.proxy}" if server.proxy else ""


def _identity(info: Mapping[str, Any], probe: Probe) -> Finding:
    version = version_of(info)
    flags = info.get("flags")
    on = sorted(str(name)[:60] for name, value in flags.items() if value is True) if isinstance(flags, dict) else []
    off = sorted(str(name)[:60] for name, value in flags.items() if value is False) if isinstance(flags, dict) else []
    graph_version = storable(str(info.get("langgraph_py_version") or ""))[:60]
    words = [f"LangGraph {graph_version} for Python" if graph_version else ""]
    words += [f"can do: {', '.join(on)}" if on else "", f"cannot do: {', '.join(off)}" if off else ""]
    title = f"LangGraph API {version}" if version else "It does not say which version it is"
    text = storable("; ".join(word for word in words if word))
    return Finding("version", "neutral", title, f"{text[:1].upper()}{text[1:]}." if text else "")


def _clock(probe: Probe) -> Finding:
    off_s = probe.clock_off_s
    if off_s is None:
        return Finding("clock", "neutral", "It does not say its time", "Its answers have no Date header.")
    if abs(off_s) <= CLOCK_SURE_S:
        return Finding("clock", "success", "Its clock agrees with the worker's", f"To within {CLOCK_SURE_S:.0f} s.")
    where = "ahead of" if off_s > 0 else "behind"
    return Finding(
        "clock",
        "attention" if abs(off_s) > CLOCK_BAD_S else "neutral",
        f"Its clock is {abs(off_s):.0f} s {where} the worker's",
        "Times that the server gives for steps are shown as it gives them.",
        "Set both machines' clocks by NTP." if abs(off_s) > CLOCK_BAD_S else "",
    )


def _heartbeats(heard_at: datetime | None) -> Finding:
    if heard_at is not None:
        at = heard_at.astimezone(UTC)
        return Finding(
            "heartbeats",
            "success",
            "It sends heartbeats",
            f"The last came from a run on {at:%Y-%m-%d at %H:%M:%S} UTC.",
        )
    return Finding(
        "heartbeats",
        "neutral",
        "No heartbeat yet",
        "LangGraph servers send one every 5 s while a run is at work; no run has taken that long yet.",
        "If it sends none at all, Runboard asks about each run that is silent for too long; a longer silence "
        "under Settings makes that rarer.",
    )


def _assistants(assistants: Sequence[AssistantFound]) -> list[Finding]:
    if not assistants:
        do = "Check that its langgraph.json names a graph, and that the graph can be imported there."
        return [Finding("assistants", "attention", "It offers no assistants", "", do)]
    graphs = len({assistant.graph_id for assistant in assistants})
    count = f"{len(assistants)} assistant{'' if len(assistants) == 1 else 's'}"
    found = [Finding("assistants", "success", f"{count} of {graphs} graph{'' if graphs == 1 else 's'}")]
    unknown = [a for a in assistants if a.schemas is None]
    lacking = [a for a in assistants if a.schemas is not None and a.schema_problem]
    if not unknown and not lacking:
        found.append(Finding("schemas", "success", "Every assistant has a form", "All of them publish schemas."))
    if unknown:
        found.append(
            Finding(
                "schemas",
                "attention",
                f"{len(unknown)} of them give no schemas",
                "Asked for them, the server fails. Their input is written as JSON, or in the last form known.",
                "On Python before 3.12 a graph must take TypedDict from typing_extensions, not from typing.",
                tuple(f"{a.name}: {a.schema_problem}" for a in unknown),
            )
        )
    if lacking:
        found.append(
            Finding(
                "schemas",
                "attention",
                f"{len(lacking)} of them have no schema of their input",
                "",
                "Give the graph typed input: a TypedDict of typing_extensions, a dataclass or a pydantic model.",
                tuple(f"{a.name}: {a.schema_problem}" for a in lacking),
            )
        )
    return found

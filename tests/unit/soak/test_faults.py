"""Every fault happens in each soak; the slow ones come first and go on during the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, cast

from tests.soak.environment import Stage
from tests.soak.faults import AWAY_LONG, FROZEN, SILENT, SLOW, Faults


class Harmless(Faults):
    """Nothing happens: what is slow goes on until the end."""

    @property
    def deck(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {name: self._go_on if name in SLOW else self._nothing for name in super().deck}

    async def _nothing(self) -> None:
        await asyncio.sleep(0)

    async def _go_on(self) -> None:
        await self._stopping.wait()


def harmless(**more: Any) -> Harmless:
    return Harmless(cast(Stage, None), random.Random(7), (0.0, 0.0), **more)


async def played(faults: Harmless, rounds: int) -> list[str]:
    """What happened in so many rounds, and a little more."""
    stream = asyncio.create_task(faults.stream())
    async with asyncio.timeout(5):
        while len(faults.log) < rounds * len(faults.deck):
            await asyncio.sleep(0)
        await faults.stop(stream)
    return [each.what for each in faults.log]


async def test_all_happen_in_each_round_and_the_slow_ones_first() -> None:
    faults = harmless()

    names = await played(faults, 2)

    first = names[: len(faults.deck)]
    assert set(first[:2]) == {FROZEN, SILENT}
    assert sorted(first) == sorted(faults.deck)
    assert faults.all_happened.is_set()
    assert not set(names[len(first) :]) & set(SLOW), "they still go on"


async def test_nothing_goes_on_after_the_end() -> None:
    faults = harmless()

    await played(faults, 1)

    assert all(each.began <= each.ended < float("inf") for each in faults.log)


async def test_a_minute_without_postgres_comes_once_and_only_where_there_is_time() -> None:
    long = await played(harmless(is_long=True), 3)
    short = await played(harmless(), 3)

    assert (long.count(AWAY_LONG), short.count(AWAY_LONG)) == (1, 0)


async def test_faults_of_workers_and_of_the_server_excuse_a_cut_connection_and_others_do_not() -> None:
    faults = harmless(is_long=True)

    await played(faults, 1)

    excusing = {each.what for each in faults.log if each.breaks_lines}
    others = {each.what for each in faults.log} - excusing
    assert all(name.startswith(("worker", "server")) for name in excusing)
    assert all(name.startswith(("Postgres", "web", "listening", "connections")) for name in others)

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dashboard.live.listener import listener
from tests.asynchronous import eventually
from tests.integration.live.opening import is_up


@pytest.fixture(autouse=True)
async def _listener() -> AsyncIterator[None]:
    listener.start()
    await eventually(is_up, "the listener is up")
    yield
    await listener.stop()

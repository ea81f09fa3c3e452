"""One real web process, with its connection pool, for all tests of this folder; and how to speak to it plainly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.web.speaking import Door
from tests.processes import Web


@pytest.fixture(scope="module")
def door(database_url: str, static_files: None) -> Iterator[Door]:
    """The web process of this module."""
    with Web(database_url) as web:
        yield Door(web)

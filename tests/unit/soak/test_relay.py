"""The relay of the soak goes on when Postgres comes back, and knows who listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bench.measuring import eventually
from tests.soak.relay import SoakRelay


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[SoakRelay]:
    found = SoakRelay(f"postgresql://me@/db?host={tmp_path}&port=5432")
    yield found
    found.close()


def connect(relay: SoakRelay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(relay.url).port or 0), timeout=5)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # whom the relay hung up on
def test_it_works_again_when_postgres_is_back_and_can_fall_silent(tmp_path: Path, relay: SoakRelay) -> None:
    for _ in range(2):
        with closing(connect(relay)) as away:
            assert away.recv(1) == b""

    with socket.socket(socket.AF_UNIX) as postgres:
        postgres.bind(str(tmp_path / ".s.PGSQL.5432"))
        postgres.listen()
        with closing(connect(relay)) as client, closing(postgres.accept()[0]) as server:
            client.sendall(b"LISTEN runboard_runs")
            assert server.recv(100) == b"LISTEN runboard_runs"
            client.sendall(b"LISTEN runboard_access")
            assert server.recv(100) == b"LISTEN runboard_access"
            assert relay.listened == 1

            assert relay.cut_silently() == 1
            server.sendall(b"news")
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)

            with closing(connect(relay)) as again, closing(postgres.accept()[0]):
                again.sendall(b"LISTEN runboard_runs")
                eventually(lambda: relay.listened == 2, "it listens anew", within_s=5)

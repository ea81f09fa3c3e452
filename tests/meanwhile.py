"""Work over a connection of its own that waits for a row which the test's transaction has locked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connection, connections

DEADLINE_S = 15.0


class Meanwhile:
    """Begun, and known to wait, when the constructor returns. `join()` after the lock is gone."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=self._run, args=(work,))
        self._thread.start()
        ends = time.monotonic() + DEADLINE_S
        while not self._waits():
            assert self._thread.is_alive(), "it did not wait for the row"
            assert time.monotonic() < ends, "it has not come as far as the row"
            time.sleep(0.02)

    def join(self) -> None:
        """Wait until the work is done."""
        self._thread.join(10)
        assert not self._thread.is_alive()

    @staticmethod
    def _run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    @staticmethod
    def _waits() -> bool:
        with connection.cursor() as cursor:
            # Not pg_stat_activity: within a transaction that stays as it was at the first look.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            return bool(cursor.fetchone()[0])

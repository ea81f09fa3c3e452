"""Empty the database between tests: rows are deleted where there are any, which takes a tenth of TRUNCATE's time.

TRUNCATE gives each of forty tables, indexes and sequences new files, whatever is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

_DELETE = """DO $$ DECLARE name text; has_rows boolean; BEGIN
PERFORM set_config('session_replication_role', 'replica', true);  -- no triggers: all goes at once, also what may not
FOREACH name IN ARRAY ARRAY[%s] LOOP
EXECUTE format('SELECT EXISTS (SELECT 1 FROM %%I)', name) INTO has_rows;
IF has_rows THEN EXECUTE format('DELETE FROM %%I', name); END IF;
END LOOP; END $$"""


def _sql_flush(self: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
    return [_DELETE % ", ".join(f"'{table}'" for table in tables)] if tables else []


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> None:
    """Let Django's flush delete."""
    DatabaseOperations.sql_flush = _sql_flush  # type: ignore[method-assign]

"""The index over all filters also has how long a run took, for the longest among those that match several."""

from django.db import migrations

INDEX = """
CREATE INDEX CONCURRENTLY {name} ON runs_run USING gin (search, value_keys, tags, (ARRAY[
    't' || team_id::text, 's' || status, 'a' || assistant_id, 'g' || graph_id, 'v' || server_id::text,
    'p' || launched_by_id::text, 'e' || error_type{more}
]::text[]))
"""
DURATION = """,
    'd' || floor(4 * ln(least(greatest(extract(epoch FROM finished_at - started_at)::float8, 0.01), 1e7)))::int::text"""


def _replaced_by(more: str) -> list[str]:
    """One by one: CONCURRENTLY works in no transaction. After an interruption they start over."""
    return [
        "DROP INDEX CONCURRENTLY IF EXISTS run_facets_new",
        INDEX.format(name="run_facets_new", more=more),
        "DROP INDEX CONCURRENTLY IF EXISTS run_facets",
        "ALTER INDEX run_facets_new RENAME TO run_facets",
    ]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0068_assistant_durations")]

    operations = [
        migrations.RunSQL(forward, backward)
        for forward, backward in zip(_replaced_by(DURATION), reversed(_replaced_by("")), strict=True)
    ]

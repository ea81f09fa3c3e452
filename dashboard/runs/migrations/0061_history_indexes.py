"""An index for every filter and for all of them together, made while runs are launched and end."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

FACETS = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS run_facets ON runs_run USING gin (search, value_keys, tags, (ARRAY[
    't' || team_id::text, 's' || status, 'a' || assistant_id, 'g' || graph_id, 'v' || server_id::text,
    'p' || launched_by_id::text, 'e' || error_type
]::text[]))
"""
DURATIONS = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS run_durations ON runs_run (team_id, (finished_at - started_at), id)
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0060_history")]

    operations = [
        migrations.RunSQL(FACETS, "DROP INDEX run_facets"),
        migrations.RunSQL(DURATIONS, "DROP INDEX run_durations"),
        AddIndexConcurrently(
            "run",
            models.Index(
                fields=["team", "error_type", "-created_at", "-id"],
                condition=~models.Q(error_type=""),
                name="run_list_error",
            ),
        ),
        AddIndexConcurrently(
            "run",
            models.Index(
                fields=["team", "-created_at", "-id"], condition=models.Q(is_starred=True), name="run_list_starred"
            ),
        ),
        AddIndexConcurrently(
            "run",
            models.Index(fields=["batch_id"], condition=models.Q(batch_id__isnull=False), name="run_by_batch"),
        ),
        RemoveIndexConcurrently("run", "run_search"),
    ]

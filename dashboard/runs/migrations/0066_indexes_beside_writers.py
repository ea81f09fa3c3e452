"""Indexes of the migrations before, built while runs are written: a table of a million would be locked for seconds.

Where those migrations have built them already, nothing happens here.
"""

from django.db import migrations

INDEXES = {
    "run_finished": "(finished_at) WHERE finished_at IS NOT NULL",
    "run_by_preset": "(preset_id) WHERE preset_id IS NOT NULL",
    "run_snoozes": "(snoozed_until) WHERE snoozed_until IS NOT NULL",
    "run_answers_given": "(team_id, assistant_id, created_at DESC) WHERE answers_id IS NOT NULL",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0065_answers_given")]

    operations = [
        migrations.RunSQL(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON runs_run {what}",
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        )
        for name, what in INDEXES.items()
    ]

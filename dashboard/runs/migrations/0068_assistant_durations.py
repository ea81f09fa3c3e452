"""The longest runs of one assistant, as the insights lead to them: another one's may be all that is longer."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0067_open_by_assistant")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS run_assistant_durations "
            "ON runs_run (team_id, assistant_id, (finished_at - started_at), id)",
            "DROP INDEX CONCURRENTLY IF EXISTS run_assistant_durations",
        )
    ]

"""How many questions wait, by assistant, is counted in an index alone. Built while runs are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0066_indexes_beside_writers")]

    operations = [
        AddIndexConcurrently(
            "run",
            models.Index(
                fields=["team", "assistant_name", "graph_id", "assistant_id"],
                include=["snoozed_until"],
                condition=models.Q(wait_state="open", status="needs_input"),
                name="run_open_by_assistant",
            ),
        )
    ]

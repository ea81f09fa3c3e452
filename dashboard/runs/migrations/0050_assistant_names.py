from django.db import migrations, models

NAME_THEM = """
UPDATE runs_run SET assistant_name = known.name
FROM servers_assistant known
WHERE known.server_id = runs_run.server_id
  AND (known.assistant_id::text = runs_run.assistant_id
       OR (known.graph_id = runs_run.assistant_id AND known.name = known.graph_id))
"""


class Migration(migrations.Migration):
    """Runs bear the name of their assistant; earlier ones the name it has now."""

    dependencies = [("runs", "0021_questions_of_earlier_runs"), ("servers", "0010_servers_in_the_browser")]

    operations = [
        migrations.AddField("run", "assistant_name", models.CharField(blank=True, default="", max_length=200)),
        migrations.RunSQL(NAME_THEM, migrations.RunSQL.noop),
    ]

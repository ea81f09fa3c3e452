"""Runs bear the name of their assistant; earlier ones the name it has now, a few thousand at a time."""

from django.db import connection, migrations, models

AT_ONCE = 5_000
COLUMN = """
ALTER TABLE runs_run ADD COLUMN IF NOT EXISTS assistant_name varchar(200) NOT NULL DEFAULT '';
ALTER TABLE runs_run ALTER COLUMN assistant_name DROP DEFAULT;
"""
NAME_THEM = """
UPDATE runs_run SET assistant_name = known.name
FROM servers_assistant known
WHERE runs_run.id = ANY(%s) AND known.server_id = runs_run.server_id
  AND (known.assistant_id::text = runs_run.assistant_id
       OR (known.graph_id = runs_run.assistant_id AND known.name = known.graph_id))
"""


def name_them(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"SELECT id FROM runs_run WHERE id > %s ORDER BY id LIMIT {AT_ONCE}", [last])
            ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                return
            cursor.execute(NAME_THEM, [ids])
            last = ids[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0021_questions_of_earlier_runs"), ("servers", "0010_servers_in_the_browser")]

    operations = [
        migrations.RunSQL(
            COLUMN,
            "ALTER TABLE runs_run DROP COLUMN assistant_name",
            state_operations=[
                migrations.AddField("run", "assistant_name", models.CharField(blank=True, default="", max_length=200))
            ],
        ),
        migrations.RunPython(name_them, migrations.RunPython.noop, elidable=True),
    ]

"""What an assistant does, in a paragraph: lists had to read all schemas for it."""

import json
from typing import Any

from django.db import migrations, models


def fill(apps: Any, schema_editor: Any) -> None:
    Assistant = apps.get_model("servers", "Assistant")
    for assistant in Assistant.objects.only("description", "schemas_text").iterator(50):
        schema = json.loads(assistant.schemas_text).get("input_schema")
        text = assistant.description or str((schema.get("description") if isinstance(schema, dict) else "") or "")
        Assistant.objects.filter(pk=assistant.pk).update(about=text.strip().split("\n\n")[0])


class Migration(migrations.Migration):
    dependencies = [("servers", "0021_trace_link")]

    operations = [
        migrations.AddField("assistant", "about", models.TextField(blank=True, default="")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

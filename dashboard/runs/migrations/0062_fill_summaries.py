"""Fill what earlier runs were about, a few hundred at a time, so that nobody waits for a lock."""

from __future__ import annotations

import json
import zlib
from typing import Any

from django.db import migrations, transaction

from dashboard.runs.search_words import all_words, summary_of
from dashboard.runs.summary import BODY_MAX_BYTES, outcome_text, state_of
from dashboard.runs.values import value_keys

AT_ONCE = 500


def fill(apps: Any, schema_editor: Any) -> None:
    Run = apps.get_model("runs", "Run")
    Assistant = apps.get_model("servers", "Assistant")
    assistants: dict[tuple[Any, str], Any] = {}
    for assistant in Assistant.objects.order_by("-seen_at"):
        assistants[assistant.server_id, str(assistant.assistant_id)] = assistant
        assistants[assistant.server_id, assistant.graph_id] = assistant
    last = None
    while True:
        with transaction.atomic():
            runs = Run.objects.order_by("pk").filter(summary="", outcome_text="").defer("search")
            runs = runs.filter(pk__gt=last) if last else runs
            batch = list(runs.select_for_update(no_key=True)[:AT_ONCE])
            for run in batch:
                _fill(apps, run, assistants.get((run.server_id, run.assistant_id)))
            fields = ["summary", "outcome_text", "value_keys", "search_text"]
            Run.objects.bulk_update(batch, fields)
        if not batch:
            return
        last = batch[-1].pk


def _fill(apps: Any, run: Any, assistant: Any) -> None:
    request = apps.get_model("runs", "RunRequest").objects.filter(pk=run.pk).first()
    small = apps.get_model("runs", "RunResult").objects.filter(pk=run.pk, size_bytes__lte=BODY_MAX_BYTES)
    packed = small.values_list("compressed", flat=True).first()
    params = json.loads(request.params_json) if request else {}
    body = zlib.decompress(packed) if packed is not None else None
    state = state_of(body)
    error = (run.error_type, run.error_message, run.error_node)
    schema = json.loads(assistant.schemas_text).get("input_schema") if assistant else None
    run.summary = summary_of(params, schema)
    ending = json.loads(run.ending_json) if run.ending_json else {}
    run.outcome_text = outcome_text(error=error if any(error) else None, ending=ending, state=state)
    run.value_keys = value_keys("input", params["input"]) if "input" in params else []
    if state is not None:
        run.value_keys += value_keys("result", state)
    run.has_error = any(error)
    run.search_text = all_words(run, params, body)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("runs", "0061_history_indexes"), ("servers", "0003_schema_text")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]

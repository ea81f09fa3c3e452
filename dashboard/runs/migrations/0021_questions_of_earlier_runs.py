"""Runs that already need input, or are paused, get their questions, and what became of them, from what is stored."""

import json
import zlib

from django.db import migrations
from django.db.models import Q

WAITING = ["needs_input", "paused"]
ENDED = ["succeeded", "needs_input", "paused", "failed", "timed_out", "cancelled", "lost"]
LARGEST_STATE = 8_000_000
AT_ONCE = 500


def questions_from_ends(apps, schema_editor):
    Run = apps.get_model("runs", "Run")
    Question = apps.get_model("runs", "Question")
    for run in Run.objects.filter(status__in=WAITING, wait_state="").iterator(chunk_size=AT_ONCE):
        state, answer, answers = _became(Run, run)
        if answer is not None:
            answer.answers_id = run.pk
            answer.save(update_fields=["answers"])
        questions = []
        for position, interrupt in enumerate(_interrupts(run)):
            named = interrupt if isinstance(interrupt, dict) else {"value": interrupt}
            interrupt_id = str(named.get("id") or "")[:200]
            is_answered = interrupt_id in answers
            questions.append(
                Question(
                    run=run,
                    position=position,
                    interrupt_id=interrupt_id,
                    value_json=json.dumps(named["value"]) if "value" in named else "",
                    response_schema_json=_json(named.get("response_schema")),
                    namespace_json=_json(named.get("ns") or named.get("namespace")),
                    asked_at=run.finished_at,
                    state="answered" if is_answered else "open" if state == "open" else "gone",
                    answered_by_run=answer if is_answered else None,
                    answer_json=json.dumps(answers[interrupt_id]) if is_answered else "",
                )
            )
        Question.objects.bulk_create(questions)
        Run.objects.filter(pk=run.pk).update(wait_state=state)


def _became(Run, run):
    """The state of what the run waits for, the run that answered it, and the answers by interrupt id."""
    if not run.remote_thread_kept or not run.remote_thread_id:
        return "gone", None, {}
    never_there = Q(status__in=ENDED, remote_run_id=None)
    there = Run.objects.filter(team=run.team_id, server=run.server_id, remote_thread_id=run.remote_thread_id)
    later = there.filter(created_at__gt=run.created_at).exclude(pk=run.pk).exclude(never_there).order_by("created_at")
    after = later.select_related("request").first()
    if after is None:
        return "open", None, {}
    params = json.loads(after.request.params_json)
    command = params.get("command") or {}
    if run.status == "paused" and "input" not in params and "checkpoint_id" not in params and "checkpoint" not in params:
        return "answered", after, {}
    if "resume" not in command:
        return "gone", None, {}
    ids = [str(asked.get("id") or "")[:200] for asked in _interrupts(run) if isinstance(asked, dict)]
    resume = command["resume"]
    if isinstance(resume, dict) and resume and set(resume) <= set(ids):
        return "answered", after, resume
    return "answered", after, {ids[0]: resume} if len(ids) == 1 else {}


def _interrupts(run):
    """What it asked: as kept beside it, and what was too large for that from its final state."""
    kept = (json.loads(run.ending_json) if run.ending_json else {}).get("interrupts") or []
    if all("value" in asked for asked in kept if isinstance(asked, dict)):
        return kept
    result = getattr(run, "result", None)
    if result is None or result.size_bytes > LARGEST_STATE:
        return kept
    try:
        asked = json.loads(zlib.decompress(result.compressed)).get("__interrupt__")
    except (ValueError, AttributeError, RecursionError):
        return kept
    return asked if isinstance(asked, list) and len(asked) == len(kept) else kept


def _json(value):
    return "" if value is None else json.dumps(value)


class Migration(migrations.Migration):
    dependencies = [("runs", "0020_questions")]
    operations = [migrations.RunPython(questions_from_ends, migrations.RunPython.noop, elidable=True)]

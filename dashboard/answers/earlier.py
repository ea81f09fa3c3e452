"""How the same questions were answered before: read in one query, as every page of an open question tells it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db import connection

from dashboard.runs.models import Run, WaitState

EARLIER = 50
"""So many runs that answered are looked at, and answers counted."""
Same = tuple[str, ...]


def earlier_line(run: Run) -> str | None:
    """How such questions were answered: "approve 14 of 16 times", "" when nothing can be counted; None: never."""
    asked = {same for state, _, same in _asked(run) if state == WaitState.OPEN}
    answers = [answer for same, answer in _answered(run) if same in asked][:EARLIER]
    if not answers:
        return None
    words = Counter(word for answer in answers if (word := answer_word(json.loads(answer))))
    if not words:
        return ""
    word, count = words.most_common(1)[0]
    return f"{word} {count} of {len(answers)} times" if len(answers) > 1 else word


def last_answers(run: Run) -> dict[str, Any]:
    """The last answers to the same questions as those of `run`, by the ids of its own."""
    last: dict[Same, str] = {}
    for same, answer in _answered(run):
        last.setdefault(same, answer)
    return {interrupt_id: json.loads(last[same]) for _, interrupt_id, same in _asked(run) if same in last}


def _asked(run: Run) -> Iterator[tuple[str, str, Same]]:
    """What `run` itself asks: the state of each question, its id, and what makes it the same as another."""
    questions = list(run.questions.all())
    for each in questions:
        columns = (each.position, each.value_json, each.response_schema_json, run.ending_json, len(questions))
        yield each.state, each.interrupt_id, _same(*columns)


def _answered(run: Run) -> Iterator[tuple[Same, str]]:
    """The last answers to the run's assistant on its server, newest first, each with what was asked."""
    schemas = list({each.response_schema_json for each in run.questions.all()})
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERED, [run.team_id, run.assistant_id, run.server_id, EARLIER, schemas])
        for *asked, answer in cursor.fetchall():
            yield _same(*asked), answer


_ANSWERED = """
SELECT question.position, question.value_json, question.response_schema_json, run.ending_json,
    (SELECT count(*) FROM runs_question AS sibling WHERE sibling.run_id = run.id), question.answer_json
FROM (
    SELECT id, created_at FROM runs_run
    WHERE team_id = %s AND assistant_id = %s AND server_id = %s AND answers_id IS NOT NULL
    ORDER BY created_at DESC LIMIT %s
) AS latest
JOIN runs_question AS question ON question.answered_by_run_id = latest.id AND question.state = 'answered'
JOIN runs_run AS run ON run.id = question.run_id
WHERE question.response_schema_json = ANY(%s)
ORDER BY latest.created_at DESC, question.position
"""


def _same(position: int, value_json: str, schema_json: str, ending_json: str, asked_count: int) -> Same:
    """What makes two questions the same one, asked again: the node, the keys, and the schema.

    A run that stops in several nodes names them in the order of its questions; otherwise the position counts.
    """
    nodes = (json.loads(ending_json) if ending_json else {}).get("next") or []
    if len(set(map(str, nodes))) == 1:
        node = str(nodes[0])
    elif len(nodes) == asked_count and position < len(nodes):
        node = str(nodes[position])
    else:
        node = f"#{position}"
    value = json.loads(value_json) if value_json else None
    kind = sorted(value) if isinstance(value, dict) else [type(value).__name__]
    return (node, schema_json, *kind)


def answer_word(document: Any) -> str:
    """An answer in a word, to count answers by; "" unless it is one choice of a few."""
    if isinstance(document, dict) and isinstance(document.get("decisions"), list):
        words = {str(decision.get("type")) for decision in document["decisions"] if isinstance(decision, dict)}
        return words.pop() if len(words) == 1 else ""
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return str(document[0].get("type") or "")
    if isinstance(document, dict):
        return str(document.get("type") or document.get("decision") or "")[:24]
    if isinstance(document, bool):
        return "yes" if document else "no"
    return document if isinstance(document, str) and len(document) <= 24 else ""

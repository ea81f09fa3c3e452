"""The columns of the runs page besides status and name: a person's choice, and their contents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.history.filters import VALUE_PATH, RunFilters
from dashboard.runs.models import RunResult
from dashboard.runs.rows import ListedRun
from dashboard.runs.state.seen import NOTHING, seen
from dashboard.runs.templatetags.runs import ago, elapsed
from dashboard.runs.text import one_line

MOST: Final = 8
READ_MAX_BYTES: Final = 200_000
"""The largest document whose values are shown: a list must not read megabytes to show a word."""
VALUE_CHARS: Final = 120
RECENT: Final = 30
SUGGESTED: Final = 16
LABEL_CHARS: Final = 40


@dataclass(frozen=True)
class Column:
    """A column by its key: one of `COLUMNS`, or a path into input or result, such as `input.topic`."""

    key: str
    label: str
    css: str = "cell-own"

    @property
    def is_value(self) -> bool:
        return self.key not in COLUMNS


COLUMNS: Final = {
    column.key: column
    for column in (
        Column("assistant", "Assistant", "cell-assistant"),
        Column("person", "Launched by", "cell-person"),
        Column("when", "Launched", "cell-when"),
        Column("duration", "Duration", "cell-duration"),
        Column("ended", "Ended"),
        Column("server", "Server"),
        Column("graph", "Graph"),
        Column("tags", "Tags", "cell-own cell-tags"),
        Column("error", "Error"),
    )
}
USUAL: Final = ("assistant", "person", "when", "duration")


def columns_of(keys: Iterable[str]) -> tuple[Column, ...]:
    """The same as `columns_named`, at most MOST of them; empty for the usual ones."""
    known = columns_named(keys)[:MOST]
    return () if tuple(column.key for column in known) == USUAL else known


def columns_named(keys: Iterable[str]) -> tuple[Column, ...]:
    """The columns of these keys, in their order. Keys that mean nothing are left out."""
    found = [COLUMNS.get(key) or Column(key, one_line(key, LABEL_CHARS)) for key in keys if _is_key(key)]
    return tuple(dict.fromkeys(found))


def _is_key(key: str) -> bool:
    return key in COLUMNS or (VALUE_PATH.fullmatch(key) is not None and "\x00" not in key)


def socket_query(filters: RunFilters, columns: tuple[Column, ...]) -> str:
    """The query of a page's WebSocket, so that pushed rows have the page's columns."""
    return "&".join(filter(None, [filters.socket_query, urlencode([("column", column.key) for column in columns])]))


def with_cells(runs: Sequence[ListedRun], columns: tuple[Column, ...]) -> None:
    """Set the contents of these columns on the runs, as `own_cells`; nothing for the usual columns."""
    if not columns:
        return
    values = _values([run.pk for run in runs], [column.key for column in columns if column.is_value])
    for run in runs:
        run_values = values.get(run.pk, {})
        cells = [(column, _cell(run, column, run_values)) for column in columns]
        run.own_cells = cells


def _cell(run: ListedRun, column: Column, values: dict[str, str]) -> SafeString:
    match column.key:
        case "when":
            return ago(run.created_at)
        case "ended":
            return ago(run.finished_at) or NOTHING
        case "duration":
            return elapsed(run)
        case "tags":
            return format_html_join(" ", '<span class="tag" dir="auto">{}</span>', ((tag,) for tag in run.tags[:3]))
    words = {
        "assistant": run.assistant_label,
        "person": run.sender or "-",
        "server": run.server.name,
        "graph": run.graph_id,
        "error": run.error_type,
    }
    text = seen(words.get(column.key, values.get(column.key, "")))
    return format_html('<bdi title="{0}">{0}</bdi>', text) if text else NOTHING


# Values of input and result.


def _values(run_ids: list[UUID], paths: list[str]) -> dict[UUID, dict[str, str]]:
    """The values at these paths, as text, of runs whose documents are not too large."""
    found: dict[UUID, dict[str, str]] = {run_id: {} for run_id in run_ids}
    for document, read in (("input", _inputs), ("result", _results)):
        wanted = [path for path in paths if path.split(".")[0] == document]
        for run_id, value in read(run_ids) if wanted else ():
            found[run_id] |= {path: _at(value, path.split(".")[1:]) for path in wanted}
    return found


def _inputs(run_ids: Sequence[UUID]) -> Iterable[tuple[UUID, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, params_json FROM runs_runrequest "
            "WHERE run_id = ANY(%s) AND octet_length(params_json) <= %s",
            [list(run_ids), READ_MAX_BYTES],
        )
        rows = cursor.fetchall()
    for run_id, text in rows:
        params = _read(text)
        yield run_id, params.get("input") if isinstance(params, dict) else None


def _results(run_ids: Sequence[UUID]) -> Iterable[tuple[UUID, Any]]:
    for result in RunResult.objects.filter(run__in=run_ids, size_bytes__lte=READ_MAX_BYTES):
        yield result.run_id, _read(result.body)


def _read(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _at(value: Any, steps: list[str]) -> str:
    for number, step in enumerate(steps):
        if isinstance(value, dict):
            rest = ".".join(steps[number:])
            if rest in value and step not in value:  # a key with dots in it
                return _text(value[rest])
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ""
    return one_line(value[: 10 * VALUE_CHARS], VALUE_CHARS)


def fields_suggested(runs: Sequence[ListedRun]) -> list[str]:
    """Paths of short values that these runs have, the most frequent first."""
    counted: dict[str, int] = {}
    ids = [run.pk for run in runs[:RECENT]]
    for document, read in (("input", _inputs), ("result", _results)):
        for _, value in read(ids):
            for key in list(value)[:50] if isinstance(value, dict) else ():
                path = f"{document}.{key}"
                if isinstance(value[key], str | int | float) and _is_key(path):
                    counted[path] = counted.get(path, 0) + 1
    return sorted(counted, key=lambda path: (-counted[path], path))[:SUGGESTED]

"""Reads a run with what its page shows, by one statement that is built once: the ORM builds its own for each page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model

from dashboard.runs.models import Run


def run_with(
    related: tuple[str, ...], without: tuple[str, ...], *, pk: UUID, team_id: UUID | None = None
) -> Run | None:
    """The run with related objects and without some fields, as `select_related` and `defer` name them; None: no run.

    With `team_id`, only if it belongs to that team.
    """
    with connection.cursor() as cursor:
        cursor.execute(_statement(related, without), {"pk": pk, "team": team_id})
        read = cursor.fetchone()
    if read is None:
        return None
    fields = _fields(None, without)
    run: Run | None = _built(Run, fields, read)
    place = len(fields)
    for name in related:
        fields = _fields(name, without)
        found = _built(_relation(name).related_model, fields, read[place : place + len(fields)])
        place += len(fields)
        _relation(name).set_cached_value(run, found)
        if found is not None and _relation(name).one_to_one:
            _relation(name).remote_field.set_cached_value(found, run)
    return run


@cache
def _statement(related: tuple[str, ...], without: tuple[str, ...]) -> str:
    """Columns of the run, then those of each related object in turn."""
    columns = [f"run.{field.column}" for field in _fields(None, without)]
    joins = []
    for name in related:
        relation = _relation(name)
        table, key = relation.related_model._meta.db_table, relation.related_model._meta.pk.column
        here, there = (relation.column, key) if relation.concrete else ("id", relation.remote_field.column)
        joins.append(f"LEFT JOIN {table} AS {name} ON {name}.{there} = run.{here}")
        columns += [f"{name}.{field.column}" for field in _fields(name, without)]
    where = "run.id = %(pk)s AND (%(team)s::uuid IS NULL OR run.team_id = %(team)s)"
    return f"SELECT {', '.join(columns)} FROM runs_run run {' '.join(joins)} WHERE {where}"  # noqa: S608 - our columns


def _relation(name: str) -> Any:
    return Run._meta.get_field(name)


@cache
def _fields(related: str | None, without: tuple[str, ...]) -> list[Field[Any, Any]]:
    """What is read of the run itself, or of an object related to it."""
    model, begin = (_relation(related).related_model, f"{related}__") if related else (Run, "")
    return [field for field in model._meta.concrete_fields if f"{begin}{field.name}" not in without]


def _built(model: type[Model], fields: Sequence[Field[Any, Any]], read: Sequence[Any]) -> Any:
    """The object of a row; None when the row has none."""
    values, names = [], []
    for field, value in zip(fields, read, strict=False):
        names.append(field.attname)
        for convert in field.get_db_converters(connection):
            value = convert(value, None, connection)
        values.append(value)
        if field.primary_key and value is None:
            return None
    return model.from_db(connection.alias, names, values)

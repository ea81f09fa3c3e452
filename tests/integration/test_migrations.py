"""The migrations say what the models say, and lock nobody out who writes runs."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import AddConstraint, AddIndex
from django.db.migrations.loader import MigrationLoader

from dashboard.runs.models import Run

SINCE = "0040"
"""Earlier migrations are from before anybody could have a long history."""


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_no_index_or_constraint_of_runs_is_built_under_a_lock() -> None:
    migrations = MigrationLoader(None).disk_migrations
    wrong = [
        f"{name}: {operation.describe()}"
        for (app, name), migration in migrations.items()
        for operation in migration.operations
        if app == "runs" and name >= SINCE and type(operation) in (AddIndex, AddConstraint)
    ]

    assert wrong == []


@pytest.mark.django_db
def test_every_index_of_runs_is_there_and_works() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = 'runs_run'::regclass AND indisvalid"
        )
        there = {name for (name,) in cursor.fetchall()}

    assert {index.name for index in Run._meta.indexes} | {
        "run_facets",
        "run_durations",
        "run_assistant_durations",
    } <= there

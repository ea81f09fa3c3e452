"""`manage.py local_setup`: what `manage.py up` needs done inside Django before it can start worker and web."""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dashboard.servers.services import server_register
from dashboard.teams.services import sign_in_link_create, team_bootstrap

SERVER_NAME = "LangGraph"
# Any number will do, as long as it is always this one: two starts at the same time must not both migrate.
SETUP_LOCK = 7_266_283


class Command(BaseCommand):
    help = "Migrate, make the first user and team, register the LangGraph server; prints what was done as JSON."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [SETUP_LOCK])
            try:
                done = setup()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [SETUP_LOCK])
        self.stdout.write(json.dumps(done))


def setup() -> dict[str, Any]:
    """Bring the database to where `up` needs it.

    Returns:
        {"migrations": number applied, "username", "password": the one made now or None, "sign_in": a path}.
    """
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        call_command("migrate", verbosity=0, interactive=False)
    if not settings.ENV.debug:
        call_command("collectstatic", verbosity=0, interactive=False)
    try:
        bootstrap = team_bootstrap(admin_password=os.environ.get("RUNBOARD_ADMIN_PASSWORD") or None)
    except ValidationError as error:
        raise CommandError(f"RUNBOARD_ADMIN_PASSWORD is refused: {' '.join(error.messages)}") from error
    if settings.ENV.langgraph_url:
        server_register(
            team=bootstrap.team,
            name=SERVER_NAME,
            url=settings.ENV.langgraph_url,
            api_key=settings.ENV.langgraph_api_key,
        )
    return {
        "migrations": len(pending),
        "username": bootstrap.user.get_username(),
        "password": bootstrap.password,
        "sign_in": sign_in_link_create(user=bootstrap.user),
    }

"""`manage.py seed_runs --count 200`: fill the first team's history, to try things out or to measure."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.runs.seeding import runs_seed
from dashboard.servers.models import Server


class Command(BaseCommand):
    help = "Make ended runs of every kind in the first team. They were never on a server, and are tagged `seeded`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=int, nargs="?", default=100, help="how many (default 100)")
        parser.add_argument("--count", type=int, dest="many", help="the same")
        parser.add_argument("--days", type=float, default=30, help="spread over this many past days (default 30)")

    def handle(self, *args: Any, **options: Any) -> None:
        server = Server.objects.select_related("team").order_by("created_at").first()
        if server is None:
            raise CommandError("There is no team with a server yet: start once with `make run`.")
        count = options["count"] if options["many"] is None else options["many"]
        if count < 0 or options["days"] <= 0:
            raise CommandError("Give a count of 0 or more, and --days above 0.")
        self.stdout.write(f"{runs_seed(server=server, count=count, days=options['days'])} runs made.")

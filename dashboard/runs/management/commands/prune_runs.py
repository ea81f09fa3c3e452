"""`manage.py prune_runs --days 90`: remove old runs that have ended."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.runs.services import runs_prune


class Command(BaseCommand):
    help = "Remove runs that ended more than --days days ago, with their events and final states."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, required=True, help="remove runs that ended longer ago than this")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("--days must be 0 or more.")
        count = runs_prune(older_than=timedelta(days=options["days"]), dry_run=options["dry_run"])
        verb = "would be removed" if options["dry_run"] else "removed"
        self.stdout.write(f"{count} runs {verb}.")

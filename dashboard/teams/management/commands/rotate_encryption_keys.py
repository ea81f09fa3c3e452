from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from dashboard.teams.rotation import secrets_rotate


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first key of RUNBOARD_ENCRYPTION_KEYS; then you can remove the "
        "other keys. Safe to repeat, and while Runboard runs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = secrets_rotate()
        self.stdout.write(f"{done.rotated} secrets are encrypted with the first key now.")
        if done.unreadable:
            raise CommandError(
                f"No key of RUNBOARD_ENCRYPTION_KEYS opens {len(done.unreadable)} of them, which were left as they "
                f"are: {', '.join(done.unreadable[:20])}. Add the key they were made with, and run this again."
            )

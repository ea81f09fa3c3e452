"""`python -m tests.soak`: see the package's docstring. Exits with 0 when nothing is wrong."""

from __future__ import annotations

import tests.environment  # isort: skip - must come first: settings are read from what it puts into the environment

import asyncio
import os
import random
import shutil
import sys
from pathlib import Path

import django

from dashboard.local.postgres import EmbeddedPostgres


def main() -> int:
    minutes = float(os.environ.get("SOAK_MINUTES") or 10)
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"soak: {minutes:g} minutes, SOAK_SEED={seed}", flush=True)
    folder = Path(tests.environment.DATA_DIR)
    postgres = EmbeddedPostgres(folder / "postgres").start()
    try:
        os.environ["DATABASE_URL"] = postgres.url
        os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
        # What programs free of large states, which come in pieces of 64 KB, goes back to the system: what they gain is
        # then a leak, and not what glibc keeps (it raises this threshold by itself up to 32 MB unless it is set).
        os.environ["MALLOC_MMAP_THRESHOLD_"] = str(16 * 1024)
        django.setup()
        from tests.soak.play import play

        return asyncio.run(play(postgres, folder, minutes=minutes, seed=seed))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

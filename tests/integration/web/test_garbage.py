"""Collecting garbage stops a web process as long as there is much to look through."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

LOADED = "import dashboard.asgi, gc; print(len(gc.get_objects()), gc.get_freeze_count())"


def test_what_a_web_process_has_loaded_is_not_looked_through() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True, timeout=60
    )

    looked_through, left_out = map(int, done.stdout.split())
    assert looked_through < 5_000
    assert left_out > 50_000

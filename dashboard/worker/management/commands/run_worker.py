"""`manage.py run_worker`: one worker, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from dashboard.worker.worker import Worker


class Command(BaseCommand):
    help = (
        "Await runs on their LangGraph servers. Any number of workers, on any number of machines, share one Postgres."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=settings.ENV.worker_concurrency,
            help="how many runs to hold at once (default: RUNBOARD_WORKER_CONCURRENCY, 500)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _allow_descriptors()
        _without_pool()
        if asyncio.run(_work(options["concurrency"])):
            sys.exit(1)


def _allow_descriptors() -> None:
    """Every wait is an open connection: ask for as many descriptors as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _without_pool() -> None:
    """A few threads keep their connections; a pool would only make each call of an outage wait for its turn."""
    for connection in connections.all():
        connection.settings_dict["OPTIONS"].pop("pool", None)


async def _work(concurrency: int) -> bool:
    """Run a worker; returns whether it ended because something in it broke."""
    worker = Worker(concurrency=concurrency)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, worker.stop)
    await worker.run()
    return worker.failed

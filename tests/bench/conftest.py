"""The tables come together at the end, without output between them."""

from __future__ import annotations

import os
import resource

import pytest

from tests.bench.measuring import tables


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if tables:
        load, cores = os.getloadavg()[0], os.cpu_count()
        terminalreporter.section("bench")
        terminalreporter.write_line(f"{cores} cores, load {load:.1f} at the end; ratios are what counts")
    for table in tables:
        terminalreporter.write_line(f"\n{table.text()}")


@pytest.fixture(scope="session", autouse=True)
def _many_connections() -> None:
    """Thousands of waits are thousands of descriptors, and many shells allow 1,024. Programs inherit this."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(autouse=True)
def _static_files(static_files: None) -> None:
    """Pages name their static files by their hash."""

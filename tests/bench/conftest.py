"""The tables come at the end, together, where nothing stands between them."""

from __future__ import annotations

import os

import pytest

from tests.bench.measuring import tables


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if tables:
        load, cores = os.getloadavg()[0], os.cpu_count()
        terminalreporter.section("bench")
        terminalreporter.write_line(f"{cores} cores, load {load:.1f} at the end; ratios are what counts")
    for table in tables:
        terminalreporter.write_line(f"\n{table.text()}")


@pytest.fixture(autouse=True)
def _static_files(static_files: None) -> None:
    """Pages name their static files by their hash."""

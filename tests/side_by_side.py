"""Orders tests that run side by side (`make test`): which files share a process, and which begin first.

Files that share a real server go to one process, so that it starts once. The longest begin first: whatever is still to
be done at the end is short, and no core is idle while one file goes on.
"""

from __future__ import annotations

import gc
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARED = {
    "samples": ("real_runs", "real_outcomes", "real_answers", "forms_on_the_real_server"),
    "langgraph_dev": ("every_end", "real_server", "code", "assistant_changes"),
}
"""By the server they share, the files of tests/contract."""

LONGEST_FIRST = (
    "tests/contract/",
    "tests/browser/test_look.py",
    "tests/browser/",
    "tests/integration/test_manners.py",
    "tests/integration/test_worker_processes.py",
    "tests/integration/local/",
    "tests/integration/web/",
    "tests/integration/",
)

_GROUPS = {f"tests/contract/test_{name}.py": group for group, names in SHARED.items() for name in names}


def group_of(path: str) -> str:
    """The tests that run in one process, one after the other: those of a file, or of files that share a server."""
    return _GROUPS.get(path, path)


class _Groups(LoadScopeScheduling):
    """Gives a process a whole group. xdist's own `loadgroup` changes ids of tests, which pytest 9.2 lets nobody do."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Groups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_begins)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Three thousand collected tests are no garbage: looking through them again and again cost a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _begins(item: pytest.Item) -> tuple[int, str]:
    """Stable: tests of a file keep their order."""
    path = _path(item)
    rank = next((number for number, prefix in enumerate(LONGEST_FIRST) if path.startswith(prefix)), len(LONGEST_FIRST))
    return rank, _GROUPS.get(path, "~" + path)


def _path(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]

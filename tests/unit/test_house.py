"""The house stays as it is drawn: imports point one way, and the room `live` is the only one that knows Channels."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "dashboard"

MAY_IMPORT: dict[str, set[str]] = {
    "langgraph": set(),
    "schema_forms": set(),
    "teams": set(),
    "servers": {"langgraph", "teams"},
    "runs": {"langgraph", "teams", "servers"},
    "history": {"teams", "servers", "runs", "costs"},
    "steps": {"langgraph", "teams", "servers", "runs"},
    "retention": {"teams", "servers", "runs", "steps"},
    "costs": {"teams", "runs", "steps"},
    "compare": {"langgraph", "teams", "servers", "runs", "steps"},
    "launch": {"langgraph", "schema_forms", "teams", "servers", "runs", "history"},
    "assistants": {"langgraph", "schema_forms", "teams", "servers", "runs", "history", "launch", "steps"},
    "answers": {"langgraph", "schema_forms", "teams", "servers", "runs", "history"},
    "sharing": {"langgraph", "schema_forms", "teams", "servers", "runs", "history", "steps", "launch", "compare"},
    "handover": {"teams", "runs", "history", "launch", "sharing"},
    "worker": {"langgraph", "teams", "servers", "runs", "history", "steps", "retention"},
    "monitoring": {"langgraph", "teams", "servers", "runs", "worker"},
    "live": {"langgraph", "teams", "servers", "runs", "history", "steps", "answers", "sharing", "worker", "monitoring"},
}


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_one_way(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    wrong = {
        (str(path.relative_to(ROOT)), module)
        for path in (DASHBOARD / room).rglob("*.py")
        for module in imported_modules(path)
        if module.startswith("dashboard.") and module.split(".")[1] in {*MAY_IMPORT, "local"} - allowed
    }

    assert wrong == set()


def test_only_the_client_knows_httpx_and_only_live_knows_channels() -> None:
    for path in DASHBOARD.rglob("*.py"):
        room = path.relative_to(DASHBOARD).parts[0]
        tops = {module.split(".")[0] for module in imported_modules(path)}
        assert "httpx" not in tops or room == "langgraph", path
        assert "channels" not in tops or room in {"live", "asgi.py"}, path


def test_the_client_knows_nothing_of_django() -> None:
    for path in (DASHBOARD / "langgraph").rglob("*.py"):
        assert not any(module.startswith("django") for module in imported_modules(path)), path


NAMED_DOCUMENT = re.compile(r"docs/[\w/-]+\.md\b|\b[A-Z]{4,}\.md\b|docs/adr/\d{4}\b")


def test_every_document_that_code_names_exists() -> None:
    found = [
        (str(path.relative_to(ROOT)), name)
        for folder in (DASHBOARD, ROOT / "tests", ROOT / "templates", ROOT / "static")
        for path in folder.rglob("*")
        if path.suffix in {".py", ".html", ".js", ".css"}
        for name in NAMED_DOCUMENT.findall(path.read_text())
    ]

    missing = [(path, name) for path, name in found if not _document_exists(name)]
    assert missing == []


def _document_exists(name: str) -> bool:
    if name.endswith(".md"):
        return (ROOT / name).is_file()
    return any(ROOT.glob(f"{name}-*.md"))


def test_comments_of_templates_end_on_their_line() -> None:
    """Django shows the others on the page."""
    lines = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for line in path.read_text().splitlines()
        if line.count("{#") != line.count("#}")
    ]

    assert lines == []


def test_architecture_draws_every_room_and_points_to_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = re.findall(r"^\| `(\w+)/` \|", text, re.M)
    where_to_look = text[text.index("## Where to look") : text.index("## The life of a run")]
    named = re.findall(r"`([\w/]+/\w+\.(?:py|js))`", where_to_look)

    assert sorted(rooms) == sorted(path.parent.name for path in DASHBOARD.glob("*/__init__.py"))
    assert len(named) > 15
    assert [name for name in named if not ((DASHBOARD / name).is_file() or (ROOT / name).is_file())] == []

"""docs/answers.md says what each kind of run takes over, as the code has it."""

from __future__ import annotations

from pathlib import Path

from dashboard.runs.inheritance import INHERITED
from dashboard.runs.models import ParentKind

DOCS = Path(__file__).resolve().parents[2] / "docs" / "answers.md"


def inheritance_table() -> str:
    lines = [f"| parameter | {' | '.join(ParentKind.values)} |", f"|{'---|' * (len(ParentKind.values) + 1)}"]
    for name, kinds in INHERITED.items():
        lines.append(f"| `{name}` | {' | '.join('yes' if kind in kinds else 'no' for kind in ParentKind)} |")
    return "\n".join(lines)


def test_the_table_of_inheritance_is_what_the_code_does() -> None:
    text = DOCS.read_text()

    written = text.split("<!-- inheritance -->\n")[1].split("\n<!-- /inheritance -->")[0]

    assert written == inheritance_table()

"""Wrap templates at 120 columns, which djade does not: `python -m tests.style.wrap_templates [--check] FOLDER`.

A line is broken where a space means nothing: between the attributes of a tag, and between words and tags outside of
what keeps its spaces (`<pre>`, `<textarea>`, `<title>`). What Django reads, `{% ... %}` and `{{ ... }}`, stays in one
line, and so does the value of an attribute.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

COLUMNS = 120
PASSES = 5
KEEPS_SPACE = ("pre", "textarea", "title", "script", "style")
_TOKEN = re.compile(
    r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"  # Django's
    r"|<!--.*?-->|</?[a-zA-Z][a-zA-Z0-9-]*|/?>"  # the two ends of a tag
    r'|"|\'|\s+|[^\s"\'<>{]+|.',
)


def wrapped(line: str) -> list[str]:
    """The line in as many lines as it takes; itself when it is short, or has no place to break."""
    if len(line) <= COLUMNS:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    places = list(_places(line, len(indent)))
    lines, start, further = [], len(indent), ""
    while len(indent) + len(further) + len(line) - start > COLUMNS:
        room = start + COLUMNS - len(indent) - len(further)
        fitting = [place for place in places if start < place[0] <= room] or [p for p in places if p[0] > start][:1]
        if not fitting:
            break
        end, following = fitting[-1]
        lines.append(indent + further + line[start:end].rstrip())
        start, further = following, "  "
    return [*lines, indent + further + line[start:]]


def _places(line: str, start: int) -> list[tuple[int, int]]:
    """Where the line may be broken: where what comes before ends, and where what follows begins."""
    found, quote, is_tag, keeps = [], "", False, ""
    for token in _TOKEN.finditer(line, start):
        text = token.group()
        if quote:
            quote = "" if text == quote else quote
        elif is_tag and text in ('"', "'"):
            quote = text
        elif match := re.fullmatch(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)", text):
            is_tag = True
            if match[2].lower() in KEEPS_SPACE:
                keeps = "" if match[1] else match[2].lower()
        elif text in (">", "/>"):
            is_tag = False
        elif text.isspace() and (is_tag or not keeps):
            found.append((token.start(), token.end()))
    return found


def main(arguments: list[str]) -> int:
    """Wrap every template below the folder; with --check only say which would change."""
    is_check = "--check" in arguments
    changed = []
    for path in sorted(Path(arguments[-1]).rglob("*.html")):
        before = after = path.read_text()
        for _ in range(PASSES):  # a part that is indented further may have become too long again
            after = "".join(part + "\n" for line in after.splitlines() for part in wrapped(line))
        if after != before:
            changed.append(path)
            if not is_check:
                path.write_text(after)
    if is_check and changed:
        print(*(f"{path}: has lines that can be wrapped" for path in changed), sep="\n", file=sys.stderr)
    return int(is_check and bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

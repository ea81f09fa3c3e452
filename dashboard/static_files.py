"""Static files under names that hold their hash, so that browsers may keep them for ever."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

STYLESHEETS: Final = (
    *("tokens", "base", "layout", "components", "runs", "history", "run", "steps", "tree", "state", "compare", "costs"),
    *("sharing", "workers", "schema_forms", "launch", "servers", "assistants", "presets", "answers", "people"),
    "overrides",
)
"""In the order of their layers; `tokens` first, as all others use it."""
ALL_STYLES: Final = "css/all.css"
"""All stylesheets in one: a page asks once, and what is packed together is a third smaller."""

NOT_FOR_BROWSERS: Final = re.compile(rb"/\*.*?\*/\s*|^\s+", re.DOTALL | re.MULTILINE)
"""Comments and the white space that lines begin with: a tenth of what travels."""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Hashes our ES modules too, and rewrites their imports of each other.

    Django's `support_js_module_import_aggregation` would also rewrite what only looks like an import in files of other
    packages, and fail on it; ours are below js/.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._urls: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """The address of a file. Each is looked up once: a page names thirty of them."""
        found = None if force else self._urls.get(name)
        if found is None:
            found = str(super().url(name, force))
            self._urls[name] = found
        return found

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            sheets = (Path(self.path(f"css/{name}.css")) for name in STYLESHEETS)
            styles = b"\n".join(sheet.read_bytes() for sheet in sheets)
            Path(self.path(ALL_STYLES)).write_bytes(NOT_FOR_BROWSERS.sub(b"", styles))
            paths = {**paths, ALL_STYLES: (self, ALL_STYLES)}
        yield from super().post_process(paths, dry_run, **options)

    patterns = (
        *ManifestFilesMixin.patterns,
        ("js/*.js", ManifestFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )

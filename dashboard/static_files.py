"""Static files under names that hold their hash, so that browsers may keep them for ever."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


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

    patterns = (
        *ManifestFilesMixin.patterns,
        ("js/*.js", ManifestFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )

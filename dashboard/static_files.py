"""Static files under names that hold their hash, so that browsers may keep them for ever."""

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Hashes our ES modules too, and rewrites their imports of each other.

    Django's `support_js_module_import_aggregation` would also rewrite what only looks like an import in files of other
    packages, and fail on it; ours are below js/.
    """

    patterns = (
        *ManifestFilesMixin.patterns,
        ("js/*.js", ManifestFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )

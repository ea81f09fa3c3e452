"""Loaded by pytest before anything else (`-p tests.environment`): the environment that settings are read from.

Nothing is started here. The database address is a placeholder until a test first needs the database; see conftest.py.
"""

import atexit
import os
import shutil
import tempfile


def _in_memory() -> str | None:
    """Where there is room in memory, Postgres writes its files there: for half of the time that a disk takes."""
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4_000_000_000:
        return memory
    return None


TEMP = _in_memory() or tempfile.gettempdir()
DATA_DIR = tempfile.mkdtemp(prefix="runboard-test-", dir=TEMP)
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)
os.chmod(DATA_DIR, 0o755)  # as root, Postgres runs as another user, who must be able to enter

for name in list(os.environ):
    if name.startswith(("RUNBOARD_", "LANGGRAPH_", "OIDC_", "EMAIL_")) or name in {
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "HOST",
        "PORT",
    }:
        del os.environ[name]

os.environ |= {
    "DEBUG": "false",
    "SECRET_KEY": "a key for tests alone, long enough to be taken",
    "RUNBOARD_ENCRYPTION_KEYS": "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",
    "DATABASE_URL": "postgresql://runboard@/runboard?host=/nowhere",
    "RUNBOARD_DATA": DATA_DIR,
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
}
